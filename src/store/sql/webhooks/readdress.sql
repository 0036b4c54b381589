-- What waits goes to the new address at once, with attempts as at the beginning. What is on its way to the old one is taken back: what is
-- answered there tells nothing of the new one, least of all that it is gone.
update webhook_deliveries
set claims = claims + 1, due_at = $2, failures = 0
where endpoint_id = $1 and state = 'pending'
