update outbox
set published_at = $2, claimed_until = null
where published_at is null and outbox_id in (select value from json_each($1))
