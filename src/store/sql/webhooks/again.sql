update webhook_deliveries
set state = 'pending', due_at = $2, give_up_at = $3, failures = 0, done_at = null
where delivery_id = $1 and state <> 'pending'
