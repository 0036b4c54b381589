-- PostgreSQL adds `for no key update`.
select 1 as away
from agents
where agent_id = $1 and away_since <= $2
