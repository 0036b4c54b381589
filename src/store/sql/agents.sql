select agent_id, available, open_count, capacity, last_assigned_at, team, hours, recent
from agents
