insert into log_in_detours (secret_hash, page, attempt_id, expires_at)
values ($1, $2, $3, $4)
