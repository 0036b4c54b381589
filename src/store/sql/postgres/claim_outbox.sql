-- The clock is the server's: one for all relays.
with free as materialized (
    select outbox_id
    from outbox
    where published_at is null and (claimed_until is null or claimed_until <= clock_timestamp())
    order by outbox_id
    limit $1
    for update skip locked
)
update outbox o
set claimed_until = clock_timestamp() + make_interval(secs => $2)
from free
where o.outbox_id = free.outbox_id
returning o.outbox_id, o.target_kind, o.target_name, o.outgoing_id, o.body, o.headers
