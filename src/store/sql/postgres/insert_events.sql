-- Who wants an event gets a delivery of it in the same statement: none is lost, none doubled.
with written as (
    insert into outbox (event_key, target_kind, target_name, outgoing_id, body, headers)
    select *
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::jsonb[])
    returning outbox_id, event_key, target_kind, target_name
)
insert into webhook_deliveries (endpoint_id, outbox_id, webhook_id, event)
select e.endpoint_id, w.outbox_id, 'msg_' || left(encode(sha256(convert_to(w.event_key, 'UTF8')), 'hex'), 32), w.target_name
from written w
join webhook_endpoints e on w.target_kind = 'event' and e.active and e.events ? w.target_name
