-- An assignment is a reservation: it is offered, may be accepted, and ends in one of five ways.
alter table assignments rename column resolved_at to ended_at;
-- Fencing: who acts on an older generation of the inquiry is refused.
alter table assignments add column generation integer not null default 1;
-- When an offer that nobody accepts ends; null if it does not.
alter table assignments add column expires_at integer;
alter table assignments add column accepted_at integer;
alter table assignments add column outcome text
    check (outcome in ('resolved', 'rejected', 'expired', 'returned', 'withdrawn'));
-- What the inquiry really needs, as the agent said who passed it on.
alter table assignments add column right_skill text;
-- An agent's id, `supervisor:…`, `router` or `bulk`.
alter table assignments add column ended_by text;
-- What was assigned before was the agent's at once, and ended only by being resolved.
update assignments
set accepted_at = assigned_at,
    outcome = case when ended_at is not null then 'resolved' end,
    ended_by = case when ended_at is not null then agent_id end;

-- Grows by one with every assignment, and when a person says what is needed.
alter table inquiries add column generation integer not null default 0;
-- What a person said that the inquiry needs; from then on that is certain.
alter table inquiries add column corrected_skill text;
update inquiries set generation = 1 where exists (select 1 from assignments a where a.inquiry_id = inquiries.inquiry_id);

-- Since when `available` is false.
alter table agents add column away_since integer;
update agents set away_since = cast(unixepoch('subsec') * 1000000 as integer) where not available;

create index assignments_expiring on assignments (expires_at) where ended_at is null and accepted_at is null;
create index assignments_held on assignments (agent_id) where ended_at is null;
create index assignments_ended_at on assignments (ended_at) where ended_at is not null;
-- Agents by what a tick asks of them.
create index agents_free on agents (agent_id) where available and open_count < capacity;
create index agents_full on agents (agent_id) where available and open_count >= capacity;
create index agents_away on agents (agent_id) where not available;
create index agents_left on agents (away_since) where away_since is not null and open_count > 0;
create index inquiries_corrected on inquiries (received_at, inquiry_id) where corrected_skill is not null;
