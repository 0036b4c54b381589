update accounts
set name = name
where account_id in (select account_id from set_up_links where secret_hash = $1)
