-- What the room of evaluation reads: alerts by day and source, audit samples of messages without an alert.

-- The single sources that fired for the alert's policy, in order, with a blank between: `model:harassment@1 rule:harassment/threat`.
alter table alerts add column fired text not null default '';
update alerts set fired = coalesce((
    select group_concat(source, ' ') from (
        select distinct l.source from verdict_labels l
        where l.message_id = alerts.message_id and l.policy = alerts.policy order by l.source)), '');
create index alerts_judged on alerts (created_at) where state = 'decided';

-- How many alerts a day that is over had; days since 1970-01-01, UTC. Decisions are no part of it: an old alert may be decided today.
create table alert_days (
    day integer not null,
    policy text not null,
    sources text not null,
    fired text not null,
    alerts integer not null check (alerts >= 0)
) strict;
create index alert_days_day on alert_days (day);
-- Which days are filled, and when that was done last.
create table rolled_days (
    day integer primary key,
    rolled_at integer not null
) strict;

-- A random sample of messages without an alert, for people to judge.
create table audit_samples (
    sample_id integer primary key autoincrement,
    drawn_at integer not null,
    drawn_by text not null,
    from_at integer not null,
    to_at integer not null,
    seed integer not null,
    -- Numbers of arrival in the period, so many of them asked for, and what was there without an alert.
    numbers integer not null,
    asked integer not null,
    pool integer not null,
    -- [{"below": 0.02, "pool": 18000, "chosen": 120}, …], by the highest probability of any policy.
    strata text not null,
    closed_at integer
) strict;

create table audit_messages (
    sample_id integer not null references audit_samples (sample_id) on delete cascade,
    -- In random order: any beginning of it is a smaller sample.
    position integer not null,
    message_id text not null references messages (message_id),
    stratum integer not null,
    -- As with alerts: a claim is a lease, and the generation grows with every claim and judgement.
    claimed_by text,
    claimed_until integer,
    generation integer not null default 0,
    ruling text check (ruling in ('violation', 'not_violation', 'unsure')),
    ruled_policy text,
    decided_by text,
    decided_at integer,
    primary key (sample_id, position),
    unique (sample_id, message_id),
    check ((claimed_by is null) = (claimed_until is null)),
    check ((ruling is null) = (decided_by is null) and (ruling is null) = (decided_at is null)),
    check ((ruled_policy is not null) = (ruling is not null and ruling = 'violation'))
) strict;
create index audit_messages_open on audit_messages (sample_id, position) where ruling is null;
create index audit_messages_claimed on audit_messages (claimed_by) where ruling is null and claimed_by is not null;
create index audit_messages_decided on audit_messages (decided_by, decided_at desc) where ruling is not null;
