insert into assignments (inquiry_id, agent_id, skill, assigned_at, generation, expires_at)
values ($1, $2, $3, $4, $5, $6)
