insert into alert_trail (alert_id, at, reviewer, act, generation, state_before, batch, ruling, policy, subtype, note)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
