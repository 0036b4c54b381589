select e.endpoint_id
from webhook_endpoints e
where e.active and exists (
    select 1 from webhook_deliveries d where d.endpoint_id = e.endpoint_id and d.state = 'pending' and d.due_at <= $1
)
order by e.endpoint_id
