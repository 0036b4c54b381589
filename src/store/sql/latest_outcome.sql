-- How it ended for an agent, to tell them why they are refused.
select outcome
from assignments
where inquiry_id = $1 and agent_id = $2 and ended_at is not null
order by assignment_id desc
limit 1
