-- The row starts as `waiting`; the same transaction writes the decision over it.
insert into inquiries (inquiry_id, customer_id, transaction_id, subject, text, priority, received_at,
                       language, skills, model_version, status, reason, decided_at, channel, weight)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', '', $11, $12, $13)
on conflict (inquiry_id) do nothing
