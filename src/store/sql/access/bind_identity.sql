insert into account_identities (issuer, subject, account_id, bound_at)
values ($1, $2, $3, $4)
on conflict do nothing
