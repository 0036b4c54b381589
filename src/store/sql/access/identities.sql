select i.account_id, i.issuer, i.subject, i.bound_at
from account_identities i
join (select account_id from accounts where login > $1 order by login limit $2) shown on shown.account_id = i.account_id
order by i.bound_at desc, i.issuer
