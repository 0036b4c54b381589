insert into webhook_attempts (delivery_id, attempt, at, took_ms, status, failure)
values ($1, $2, $3, $4, $5, $6)
