update assignments
set accepted_at = $4
where inquiry_id = $1 and agent_id = $2 and generation = $3
  and ended_at is null and accepted_at is null and (expires_at is null or expires_at > $4)
