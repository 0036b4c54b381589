-- Only the answer to the request that began then: one that took too long has lost its key to another.
update api_answers
set status = $4, content_type = $5, etag = $6, body = $7
where account_id = $1 and idempotency_key = $2 and begun_at = $3 and status is null
