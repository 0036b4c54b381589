select worker_id, name, state, program, rules_version, models, queues, started_at, last_seen_at, every_ms
from workers
order by last_seen_at desc, worker_id
limit $1
