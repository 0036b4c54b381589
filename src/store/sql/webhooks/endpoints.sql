select a.endpoint_id, a.generation, a.url, a.events, a.active, a.gone_at, a.failing_since, a.previous_until, a.created_by,
    a.created_at
from webhook_endpoints a
where a.deleted_at is null
