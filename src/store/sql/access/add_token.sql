insert into api_tokens (account_id, name, secret_hash, scopes, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6)
returning token_id
