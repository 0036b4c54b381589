select a.delivery_id, a.claims, a.failures, a.webhook_id, a.event, o.body, coalesce(o.created_at, a.created_at) as told_at
from webhook_deliveries a
left join outbox o on o.outbox_id = a.outbox_id
where a.endpoint_id = $1 and a.state = 'pending' and a.due_at <= $2
order by a.due_at, a.delivery_id
limit $3
