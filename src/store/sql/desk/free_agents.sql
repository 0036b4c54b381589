-- Who can be given something, by name.
select agent_id, name, available, open_count, capacity, away_since
from agents
where available and open_count < capacity
order by name, agent_id
limit $1
