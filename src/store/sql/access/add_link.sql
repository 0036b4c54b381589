insert into set_up_links (secret_hash, account_id, created_at, expires_at)
values ($1, $2, $3, $4)
