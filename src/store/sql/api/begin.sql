insert into api_answers (account_id, idempotency_key, fingerprint, begun_at)
values ($1, $2, $3, $4)
on conflict (account_id, idempotency_key) do nothing
