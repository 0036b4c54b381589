update webhook_deliveries
set state = 'cancelled', done_at = $2
where endpoint_id = $1 and state = 'pending'
