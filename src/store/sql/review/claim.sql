update alerts
set claimed_by = $2, claimed_until = $3, generation = $4
where alert_id = $1
