-- Offers that lie untouched with agents who are away for long.
select a.inquiry_id, a.agent_id, a.generation
from agents g
join assignments a on a.agent_id = g.agent_id and a.ended_at is null and a.accepted_at is null
where g.away_since is not null and g.open_count > 0 and g.away_since <= $1
order by g.away_since, a.assignment_id
limit $2
