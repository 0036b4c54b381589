select inquiry_id, agent_id, generation
from assignments
where agent_id = $1 and ended_at is null
order by assignment_id
