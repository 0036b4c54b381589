-- Events told over HTTP: who wants which, and what became of each.

create table webhook_endpoints (
    endpoint_id integer primary key autoincrement,
    -- Grows with every change: the entity tag of the API.
    generation integer not null default 1 check (generation >= 1),
    url text not null,
    -- Names of events.
    events text not null,
    active integer not null check (active in (0, 1)),
    -- As it is: signing needs it. Blank once the endpoint is deleted.
    secret text not null,
    -- Signs as well, until then.
    previous_secret text,
    previous_until integer,
    -- When the receiver said that it is gone for good (410).
    gone_at integer,
    -- Since when no attempt has succeeded; null if the last one did.
    failing_since integer,
    created_by text not null,
    created_at integer not null,
    -- The row stays: a transaction that writes deliveries may still mean it.
    deleted_at integer
) strict;

-- One for each event and endpoint, written with the event's row of the outbox; or a test, without one.
create table webhook_deliveries (
    delivery_id integer primary key autoincrement,
    endpoint_id integer not null references webhook_endpoints (endpoint_id),
    outbox_id integer references outbox (outbox_id) on delete cascade,
    -- The same on every attempt, for every endpoint.
    webhook_id text not null,
    event text not null,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'failed', 'cancelled')),
    -- When it is sent next; while it is being sent, when whoever sends it is taken for dead.
    due_at integer not null default (cast(unixepoch('subsec') * 1000000 as integer)),
    -- However often it failed, nobody tries it after this time.
    give_up_at integer not null default (cast(unixepoch('subsec') * 1000000 as integer) + 432000000000),
    -- How often it was taken up: fences what is written of it afterwards.
    claims integer not null default 0,
    -- How often it has failed since it was last asked for.
    failures integer not null default 0,
    created_at integer not null default (cast(unixepoch('subsec') * 1000000 as integer)),
    done_at integer,
    unique (outbox_id, endpoint_id)
) strict;
-- Deleted ones stay; who wants an event is asked of those that are not.
create index webhook_endpoints_active on webhook_endpoints (endpoint_id) where active;
create index webhook_deliveries_due on webhook_deliveries (endpoint_id, due_at, delivery_id) where state = 'pending';
create index webhook_deliveries_old on webhook_deliveries (give_up_at) where state = 'pending';
create index webhook_deliveries_of on webhook_deliveries (endpoint_id, delivery_id desc);
create index webhook_deliveries_tests on webhook_deliveries (created_at) where outbox_id is null;

create table webhook_attempts (
    delivery_id integer not null references webhook_deliveries (delivery_id) on delete cascade,
    attempt integer not null,
    at integer not null,
    took_ms integer not null check (took_ms >= 0),
    -- What the receiver answered, if it did.
    status integer,
    failure text check (failure in ('address', 'resolve', 'connect', 'tls', 'timeout', 'http', 'status', 'event')),
    primary key (delivery_id, attempt)
) strict;
