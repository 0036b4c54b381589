-- Whoever was taken for dead meanwhile writes nothing.
update webhook_deliveries
set state = $3, due_at = $4, done_at = $5, failures = failures + $6
where delivery_id = $1 and claims = $2 and state = 'pending'
