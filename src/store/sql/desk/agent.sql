select agent_id, name, available, open_count, capacity, away_since
from agents
where agent_id = $1
