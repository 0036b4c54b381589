select agent_id, skill, generation, accepted_at, expires_at
from assignments
where inquiry_id = $1 and ended_at is null
