select a.account_id, a.login, a.name, a.role, a.teams, a.agent_id, a.language, a.created_at, a.disabled_at,
       a.password_hash is not null as has_password
from account_identities i
join accounts a on a.account_id = i.account_id
where i.issuer = $1 and i.subject = $2
