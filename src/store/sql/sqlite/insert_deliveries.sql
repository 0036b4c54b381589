insert into webhook_deliveries (endpoint_id, outbox_id, webhook_id, event)
select e.endpoint_id, o.outbox_id, $2, o.target_name
from outbox o
join webhook_endpoints e on e.active and exists (select 1 from json_each(e.events) where value = o.target_name)
where o.event_key = $1 and o.target_kind = 'event'
