insert into webhook_endpoints (url, events, active, secret, created_by, created_at)
values ($1, $2, $3, $4, $5, $6)
returning endpoint_id
