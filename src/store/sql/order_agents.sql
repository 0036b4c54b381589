-- Locks the old and the new holder in the order of their ids. PostgreSQL adds `for no key update`, and the order of
-- bytes, in which agents are replaced too, whatever the database's collation.
select agent_id
from agents
where agent_id in ($1, $2)
order by agent_id
