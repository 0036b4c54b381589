update webhook_deliveries
set state = 'failed', done_at = $1
where state = 'pending' and give_up_at <= $1
