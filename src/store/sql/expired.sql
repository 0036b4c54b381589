select inquiry_id, agent_id, generation
from assignments
where ended_at is null and accepted_at is null and expires_at <= $1
order by expires_at, assignment_id
limit $2
