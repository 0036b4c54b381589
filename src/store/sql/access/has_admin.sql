select account_id
from accounts
where role = 'admin' and disabled_at is null
limit 1
