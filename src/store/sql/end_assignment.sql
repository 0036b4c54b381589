update assignments
set resolved_at = $3
where inquiry_id = $1 and agent_id = $2 and resolved_at is null
