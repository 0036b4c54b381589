insert into agents (agent_id, name, capacity, available, team, hours)
values ($1, $2, $3, $4, $5, $6)
on conflict (agent_id) do update
set name = excluded.name, capacity = excluded.capacity, available = excluded.available, team = excluded.team,
    hours = excluded.hours
