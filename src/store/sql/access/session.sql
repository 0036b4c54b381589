select a.account_id, a.login, a.name, a.role, a.teams, a.agent_id, a.language, s.last_seen_at
from sessions s
join accounts a on a.account_id = s.account_id
where s.secret_hash = $1 and s.expires_at > $2 and s.last_seen_at > $3 and a.disabled_at is null
