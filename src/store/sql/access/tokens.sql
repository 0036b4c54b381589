select token_id, name, scopes, created_at, expires_at, last_used_at, revoked_at
from api_tokens
where account_id = $1
order by token_id desc
