insert into sessions (secret_hash, account_id, created_at, last_seen_at, expires_at)
values ($1, $2, $3, $3, $4)
