with held as materialized (
    select outbox_id
    from outbox
    where outbox_id = any($1) and published_at is null
    order by outbox_id
    for update
)
update outbox o
set published_at = clock_timestamp(), claimed_until = null
from held
where o.outbox_id = held.outbox_id
