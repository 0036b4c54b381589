-- What routing looks at beside skills and languages, and what it decided.
alter table agents add column team text;
-- {"time_zone": "Asia/Tokyo", "shifts": [{"days": ["Mon"], "from": "09:00", "to": "18:00"}]}
alter table agents add column hours jsonb;
-- Inquiries received lately, as counted at last_assigned_at; see take_agent.sql.
alter table agents add column recent double precision not null default 0 check (recent >= 0);

-- One row for each decision that changed where an inquiry stands.
create table routing_decisions (
    decision_id bigint generated always as identity primary key,
    inquiry_id text not null references inquiries,
    decided_at timestamptz not null,
    status text not null check (status in ('waiting', 'triage', 'assigned')),
    agent_id text references agents,
    -- Candidates with their costs, constraints, step, version of the policy; of bounded size.
    explanation jsonb not null
);
create index routing_decisions_period on routing_decisions (decided_at, decision_id);
create index routing_decisions_inquiry on routing_decisions (inquiry_id, decision_id desc);
