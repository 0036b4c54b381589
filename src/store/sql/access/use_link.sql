update set_up_links
set used_at = $2
where secret_hash = $1 and used_at is null and expires_at > $2
    and account_id in (select account_id from accounts where disabled_at is null)
returning account_id
