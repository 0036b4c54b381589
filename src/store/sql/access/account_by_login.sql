select account_id, login, name, role, teams, agent_id, language, created_at, disabled_at,
       password_hash is not null as has_password
from accounts
where login = $1
