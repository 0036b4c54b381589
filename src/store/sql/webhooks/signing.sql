select url, secret, previous_secret, previous_until
from webhook_endpoints
where endpoint_id = $1 and active
