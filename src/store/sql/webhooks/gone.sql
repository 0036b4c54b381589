update webhook_endpoints
set generation = generation + 1, active = $3, gone_at = $2
where endpoint_id = $1 and active
