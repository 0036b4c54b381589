insert into routing_decisions (inquiry_id, decided_at, status, agent_id, explanation)
values ($1, $2, $3, $4, $5)
