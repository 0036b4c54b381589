-- What lies untouched with agents who have working hours. Whether their shift is over, the program tells. That
-- reads all of them, so it is not asked at every tick.
select a.inquiry_id, a.agent_id, a.generation, a.assigned_at, g.hours
from agents g
join assignments a on a.agent_id = g.agent_id and a.ended_at is null and a.accepted_at is null
where g.hours is not null and g.open_count > 0
