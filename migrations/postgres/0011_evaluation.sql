-- What the room of evaluation reads: alerts by day and source, audit samples of messages without an alert.

-- The single sources that fired for the alert's policy, in order, with a blank between: `model:harassment@1 rule:harassment/threat`.
alter table alerts add column fired text not null default '';
update alerts set fired = coalesce((
    select string_agg(distinct l.source, ' ' order by l.source)
    from verdict_labels l where l.message_id = alerts.message_id and l.policy = alerts.policy), '');
create index alerts_judged on alerts (created_at) where state = 'decided';

-- How many alerts a day that is over had; days since 1970-01-01, UTC. Decisions are no part of it: an old alert may be decided today.
create table alert_days (
    day bigint not null,
    policy text not null,
    sources text not null,
    fired text not null,
    alerts bigint not null check (alerts >= 0)
);
create index alert_days_day on alert_days (day);
-- Which days are filled, and when that was done last.
create table rolled_days (
    day bigint primary key,
    rolled_at timestamptz not null
);

-- Random messages are found by their number.
create unique index messages_arrival on messages (arrival);

-- A random sample of messages without an alert, for people to judge.
create table audit_samples (
    sample_id bigint generated always as identity primary key,
    drawn_at timestamptz not null,
    drawn_by text not null,
    from_at timestamptz not null,
    to_at timestamptz not null,
    seed bigint not null,
    -- Numbers of arrival in the period, so many of them asked for, and what was there without an alert.
    numbers bigint not null,
    asked bigint not null,
    pool bigint not null,
    -- [{"below": 0.02, "pool": 18000, "chosen": 120}, …], by the highest probability of any policy.
    strata jsonb not null,
    closed_at timestamptz
);

create table audit_messages (
    sample_id bigint not null references audit_samples on delete cascade,
    -- In random order: any beginning of it is a smaller sample.
    position bigint not null,
    message_id text not null references messages,
    stratum bigint not null,
    -- As with alerts: a claim is a lease, and the generation grows with every claim and judgement.
    claimed_by text,
    claimed_until timestamptz,
    generation bigint not null default 0,
    ruling text check (ruling in ('violation', 'not_violation', 'unsure')),
    ruled_policy text,
    decided_by text,
    decided_at timestamptz,
    primary key (sample_id, position),
    unique (sample_id, message_id),
    check ((claimed_by is null) = (claimed_until is null)),
    check ((ruling is null) = (decided_by is null) and (ruling is null) = (decided_at is null)),
    check ((ruled_policy is not null) = (ruling is not null and ruling = 'violation'))
);
create index audit_messages_open on audit_messages (sample_id, position) where ruling is null;
create index audit_messages_claimed on audit_messages (claimed_by) where ruling is null and claimed_by is not null;
create index audit_messages_decided on audit_messages (decided_by, decided_at desc) where ruling is not null;
