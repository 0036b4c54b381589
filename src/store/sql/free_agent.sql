update agents
set open_count = open_count - 1
where agent_id = $1
