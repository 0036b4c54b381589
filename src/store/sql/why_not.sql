-- What keeps an agent from an inquiry.
select g.open_count, g.capacity
from agents g
where g.agent_id = $1
