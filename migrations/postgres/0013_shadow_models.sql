-- Models in shadow: what they and the live ones said about the same messages, each at its own threshold for reporting. Names are version and
-- fingerprint of what judges: 2026-11-22.6+3fa9c1d2

create table shadow_counts (
    -- Midnight, UTC.
    day timestamptz not null,
    live text not null,
    shadow text not null,
    policy text not null,
    agreed_flagged bigint not null,
    agreed_clear bigint not null,
    only_live bigint not null,
    only_shadow bigint not null,
    primary key (day, live, shadow, policy)
);

-- The first few of a day; kept for 30 days.
create table shadow_differences (
    shadow text not null,
    live text not null,
    policy text not null,
    -- Who would report it.
    side text not null check (side in ('live', 'shadow')),
    message_id text not null references messages (message_id) on delete cascade,
    live_probability double precision not null check (live_probability between 0 and 1),
    shadow_probability double precision not null check (shadow_probability between 0 and 1),
    judged_at timestamptz not null,
    primary key (shadow, live, policy, side, message_id)
);
create index shadow_differences_newest on shadow_differences (shadow, live, policy, side, judged_at desc, message_id);
create index shadow_differences_old on shadow_differences (judged_at);
create index shadow_differences_message on shadow_differences (message_id);
