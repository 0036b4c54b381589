select account_id
from accounts
where account_id = $1 and role = 'admin' and disabled_at is null
    and not exists (
        select 1 from accounts where account_id <> $1 and role = 'admin' and disabled_at is null
    )
