select l.account_id, a.login
from set_up_links l
left join accounts a on a.account_id = l.account_id
where l.secret_hash = $1 and l.used_at is null and l.expires_at > $2 and a.disabled_at is null
