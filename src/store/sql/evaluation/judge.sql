update audit_messages
set ruling = $3, ruled_policy = $4, decided_by = $5, decided_at = $6, claimed_by = $7, claimed_until = $8, generation = $9
where sample_id = $1 and position = $2
