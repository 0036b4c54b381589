-- $7 is the time: an agent is away since they were first said to be.
insert into agents (agent_id, name, capacity, available, team, hours, away_since)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (agent_id) do update
set name = excluded.name, capacity = excluded.capacity, available = excluded.available, team = excluded.team,
    hours = excluded.hours,
    away_since = case when excluded.away_since is not null then coalesce(agents.away_since, excluded.away_since) end
