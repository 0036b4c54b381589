update outbox
set claimed_until = $3
where outbox_id in (
    select outbox_id
    from outbox
    where published_at is null and (claimed_until is null or claimed_until <= $2)
    order by outbox_id
    limit $1
)
returning outbox_id, target_kind, target_name, outgoing_id, body, headers
