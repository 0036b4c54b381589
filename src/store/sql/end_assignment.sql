update assignments
set ended_at = $4, outcome = $5, right_skill = $6, ended_by = $7
where inquiry_id = $1 and agent_id = $2 and generation = $3 and ended_at is null
