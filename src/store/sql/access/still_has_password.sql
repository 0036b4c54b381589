update accounts
set password_hash = password_hash
where account_id = $1 and password_hash = $2 and disabled_at is null
