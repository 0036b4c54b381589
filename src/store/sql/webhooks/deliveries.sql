select d.delivery_id, d.endpoint_id, d.webhook_id, d.event, d.state, d.due_at, d.created_at, d.done_at
from webhook_deliveries d
