select account_id, login, password_hash, disabled_at
from accounts
where login = $1
