-- Alerts become a queue that people work on: each is claimed, decided once, and everything that is done with it is kept.

-- Whose message it is; the sender's earlier findings are looked up by it.
alter table alerts add column sender_id text;
update alerts set sender_id = (select m.sender_id from messages m where m.message_id = alerts.message_id);
-- Place in the queue: the time of the alert, moved back by two hours for each unit of risk (store/review/mod.rs). It never changes.
alter table alerts add column queue_time integer;
-- SQLite has no logarithm as it is built here: what is there already takes its place by steps of the score.
update alerts set queue_time = created_at - cast(7200000000 * case
    when score >= 0.985 then 4.5 when score >= 0.95 then 3.5 when score >= 0.88 then 2.5 when score >= 0.73 then 1.5
    when score >= 0.5 then 0.5 when score >= 0.27 then -0.5 when score >= 0.12 then -1.5 else -2.5 end as integer);
-- Hash of the normalised text; null in alerts from before, which are like no other.
alter table alerts add column text_key text;
alter table alerts add column state text not null default 'open' check (state in ('open', 'escalated', 'decided'));
-- Fencing: grows with every claim, decision and undo. Who acts on an older one is refused.
alter table alerts add column generation integer not null default 0;
-- A claim is a lease: over at `claimed_until`, whether anybody has swept up or not.
alter table alerts add column claimed_by text;
alter table alerts add column claimed_until integer;
alter table alerts add column ruling text check (ruling in ('violation', 'not_violation', 'unsure'));
-- What the reviewer says that it is, if it is a violation.
alter table alerts add column ruled_policy text;
alter table alerts add column ruled_subtype text;
alter table alerts add column note text;
alter table alerts add column decided_by text;
alter table alerts add column decided_at integer;
alter table alerts add column warned_at integer;

-- The filters stand behind the order: what is left out is passed over in the index.
create index alerts_queue on alerts (state, queue_time, alert_id, policy, sources);
create index alerts_claimed on alerts (claimed_until, alert_id) where claimed_by is not null;
create index alerts_same_text on alerts (text_key, policy, alert_id) where state <> 'decided';
create index alerts_sender on alerts (sender_id, created_at desc, alert_id desc);
create index alerts_decided on alerts (decided_at desc, alert_id desc, policy, sources, decided_by) where state = 'decided';

-- What people decided about the message: null as long as the verdict's action holds.
alter table messages add column hidden integer check (hidden in (0, 1));
-- Grows with every hiding and restoring.
alter table messages add column visibility integer not null default 0;

-- Everything that was done with an alert. Rows are only added.
create table alert_trail (
    trail_id integer primary key autoincrement,
    alert_id integer not null references alerts (alert_id) on delete cascade,
    at integer not null,
    reviewer text not null,
    act text not null check (act in
        ('claimed', 'released', 'decided', 'escalated', 'undone', 'hidden', 'restored', 'warned')),
    -- The alert's generation afterwards.
    generation integer not null,
    -- Where the alert stood before a decision.
    state_before text,
    -- What was decided together, by the alert that was open on the page and its generation: 17.4
    batch text,
    ruling text,
    policy text,
    subtype text,
    note text
) strict;
create index alert_trail_alert on alert_trail (alert_id, trail_id);
create index alert_trail_last on alert_trail (reviewer, trail_id desc) where act in ('decided', 'escalated', 'undone');
create index alert_trail_batch on alert_trail (batch, alert_id) where act in ('decided', 'escalated');
