insert into agents (agent_id, name, capacity, available)
values ($1, $2, $3, $4)
on conflict (agent_id) do update
set name = excluded.name, capacity = excluded.capacity, available = excluded.available
