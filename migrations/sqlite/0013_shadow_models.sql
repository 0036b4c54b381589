-- Models in shadow: what they and the live ones said about the same messages, each at its own threshold for reporting. Names are version and
-- fingerprint of what judges: 2026-11-22.6+3fa9c1d2

create table shadow_counts (
    -- Midnight, UTC.
    day integer not null,
    live text not null,
    shadow text not null,
    policy text not null,
    agreed_flagged integer not null,
    agreed_clear integer not null,
    only_live integer not null,
    only_shadow integer not null,
    primary key (day, live, shadow, policy)
) strict;

-- The first few of a day; kept for 30 days.
create table shadow_differences (
    shadow text not null,
    live text not null,
    policy text not null,
    -- Who would report it.
    side text not null check (side in ('live', 'shadow')),
    message_id text not null references messages (message_id) on delete cascade,
    live_probability real not null check (live_probability between 0 and 1),
    shadow_probability real not null check (shadow_probability between 0 and 1),
    judged_at integer not null,
    primary key (shadow, live, policy, side, message_id)
) strict;
create index shadow_differences_newest on shadow_differences (shadow, live, policy, side, judged_at desc, message_id);
create index shadow_differences_old on shadow_differences (judged_at);
create index shadow_differences_message on shadow_differences (message_id);
