insert into audit_messages (sample_id, position, message_id, stratum)
values ($1, $2, $3, $4)
