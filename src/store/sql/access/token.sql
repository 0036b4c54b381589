select a.account_id, a.login, a.name, a.role, a.teams, a.agent_id, a.language, t.token_id, t.scopes, t.last_used_at
from api_tokens t
join accounts a on a.account_id = t.account_id
where t.secret_hash = $1 and t.expires_at > $2 and t.revoked_at is null and a.disabled_at is null
