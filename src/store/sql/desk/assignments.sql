select a.generation, a.agent_id, g.name as agent_name, a.skill, a.assigned_at, a.accepted_at, a.expires_at, a.ended_at, a.outcome,
       a.right_skill, a.ended_by
from assignments a
join agents g on g.agent_id = a.agent_id
where a.inquiry_id = $1
order by a.assignment_id desc
limit $2
