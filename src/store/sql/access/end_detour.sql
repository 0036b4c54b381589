delete from log_in_detours
where secret_hash = $1 and expires_at > $2
returning page, attempt_id
