insert into alerts (message_id, policy, action, score, sources, created_at)
values ($1, $2, $3, $4, $5, $6)
