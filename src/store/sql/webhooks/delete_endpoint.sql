update webhook_endpoints
set generation = generation + 1, active = $3, secret = '', previous_secret = null, previous_until = null, deleted_at = $2
where endpoint_id = $1
