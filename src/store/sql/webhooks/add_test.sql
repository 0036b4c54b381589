insert into webhook_deliveries (endpoint_id, webhook_id, event, due_at, created_at)
values ($1, $2, $3, $4, $4)
returning delivery_id
