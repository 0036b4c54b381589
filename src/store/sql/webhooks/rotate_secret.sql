update webhook_endpoints
set generation = generation + 1, previous_secret = secret, previous_until = $3, secret = $2
where endpoint_id = $1
