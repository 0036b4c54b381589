-- What workers tell of themselves, for the operations page of the console, which has no connection to the broker.

-- One row for each process; a report every few seconds. Rows of workers that are gone for two days are deleted.
create table workers (
    -- Drawn at the start of the process.
    worker_id text primary key,
    name text not null,
    state text not null check (state in ('working', 'draining', 'stopped', 'failed')),
    program text not null,
    rules_version text not null,
    -- {"conversation": "…", "policies": {"harassment": "…"}, "inquiries": "…", "rules_only": ["…"], "shadow": …}
    models jsonb not null,
    -- What the worker saw of the queues: [{"queue": "messages", "ready": 0, "unacknowledged": 0, "dead_letters": 0}, …].
    queues jsonb not null,
    started_at timestamptz not null,
    last_seen_at timestamptz not null,
    -- Between two reports: who is silent for much longer is not there any more.
    every_ms bigint not null check (every_ms > 0)
);
create index workers_seen on workers (last_seen_at desc, worker_id);

-- What a worker did, by minute and queue. Kept for 48 hours.
create table worker_minutes (
    minute timestamptz not null,
    queue text not null check (queue in ('messages', 'inquiries')),
    worker_id text not null,
    decided bigint not null,
    duplicates bigint not null,
    dead_lettered bigint not null,
    requeued bigint not null,
    alerts bigint not null,
    -- How many were decided within 1, 5, 30, 120 and 600 seconds after they were sent or received, each without those before; then the rest.
    within_1s bigint not null,
    within_5s bigint not null,
    within_30s bigint not null,
    within_2m bigint not null,
    within_10m bigint not null,
    later bigint not null,
    primary key (minute, queue, worker_id)
);
