update api_tokens
set revoked_at = $2
where account_id = $1 and revoked_at is null and expires_at > $2
returning token_id
