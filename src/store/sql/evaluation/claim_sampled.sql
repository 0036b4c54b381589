update audit_messages
set claimed_by = $3, claimed_until = $4, generation = $5
where sample_id = $1 and position = $2
