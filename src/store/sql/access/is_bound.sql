select account_id
from account_identities
where issuer = $1 and subject = $2 and account_id = $3
