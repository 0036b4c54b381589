insert into outbox (event_key, target_kind, target_name, outgoing_id, body, headers)
values ($1, $2, $3, $4, $5, $6)
