-- One file may hold several installations: the prefix, or the queue's name that begins with it, keeps them apart.

CREATE TABLE IF NOT EXISTS queue_topology (
    prefix TEXT PRIMARY KEY
);

-- A subscription. It holds its deliveries as long as its lease is renewed. Numbers are never used twice.
CREATE TABLE IF NOT EXISTS queue_consumer (
    consumer    INTEGER PRIMARY KEY AUTOINCREMENT,
    queue       TEXT NOT NULL,
    -- milliseconds since 1970, UTC
    lease_until INTEGER NOT NULL
);

-- A delivery is ready while consumer is null. The sequence is its tag and never used twice.
CREATE TABLE IF NOT EXISTS queue_delivery (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    queue    TEXT NOT NULL,
    id       TEXT NOT NULL,
    body     BLOB NOT NULL,
    -- JSON object of strings
    headers  TEXT NOT NULL,
    -- how often it came back without acknowledgement
    attempts INTEGER NOT NULL DEFAULT 0,
    consumer INTEGER
);
CREATE INDEX IF NOT EXISTS queue_delivery_ready ON queue_delivery (queue, sequence) WHERE consumer IS NULL;
CREATE INDEX IF NOT EXISTS queue_delivery_held ON queue_delivery (consumer, sequence) WHERE consumer IS NOT NULL;

CREATE TABLE IF NOT EXISTS queue_dead_letter (
    sequence       INTEGER PRIMARY KEY AUTOINCREMENT,
    queue          TEXT NOT NULL,
    id             TEXT NOT NULL,
    -- null if the delivery limit made it a dead letter
    dead_letter_id TEXT,
    body           BLOB NOT NULL,
    headers        TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS queue_dead_letter_id ON queue_dead_letter (queue, dead_letter_id);

CREATE TABLE IF NOT EXISTS queue_event (
    sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
    prefix      TEXT NOT NULL,
    routing_key TEXT NOT NULL,
    id          TEXT NOT NULL,
    body        BLOB NOT NULL,
    headers     TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS queue_event_key ON queue_event (prefix, routing_key);
