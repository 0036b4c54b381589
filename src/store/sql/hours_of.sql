-- PostgreSQL adds `for no key update`.
select hours
from agents
where agent_id = $1
