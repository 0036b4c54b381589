select agent_id, available, open_count, capacity, last_assigned_at, team, hours, mean_open, open_changed_at
from agents
