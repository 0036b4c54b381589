update set_up_links
set used_at = $2
where secret_hash = $1 and account_id is null and used_at is null and expires_at > $2
    and not exists (select 1 from accounts where role = 'admin' and disabled_at is null)
