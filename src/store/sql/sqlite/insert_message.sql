insert into messages (message_id, transaction_id, sender_id, sender_role, text, sent_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (message_id) do nothing
