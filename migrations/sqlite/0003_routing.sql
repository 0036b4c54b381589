-- What routing looks at beside skills and languages, and what it decided.
alter table agents add column team text;
-- {"time_zone": "Asia/Tokyo", "shifts": [{"days": ["Mon"], "from": "09:00", "to": "18:00"}]}
alter table agents add column hours text;
-- Inquiries received lately, as counted at last_assigned_at; see take_agent.sql.
alter table agents add column recent real not null default 0 check (recent >= 0);

-- One row for each decision that changed where an inquiry stands.
create table routing_decisions (
    decision_id integer primary key autoincrement,
    inquiry_id text not null references inquiries (inquiry_id),
    decided_at integer not null,
    status text not null check (status in ('waiting', 'triage', 'assigned')),
    agent_id text references agents (agent_id),
    -- Candidates with their costs, constraints, step, version of the policy; of bounded size.
    explanation text not null
) strict;
create index routing_decisions_period on routing_decisions (decided_at, decision_id);
create index routing_decisions_inquiry on routing_decisions (inquiry_id, decision_id desc);
