insert into workers (worker_id, name, state, program, rules_version, models, queues, started_at, last_seen_at, every_ms)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (worker_id) do update
set name = excluded.name, state = excluded.state, program = excluded.program, rules_version = excluded.rules_version,
    models = excluded.models, queues = excluded.queues, last_seen_at = excluded.last_seen_at, every_ms = excluded.every_ms
