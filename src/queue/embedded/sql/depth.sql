-- Whether prefix $2 is declared; then ready, held, and dead letters of its queue $1.
SELECT
    EXISTS (SELECT 1 FROM queue_topology WHERE prefix = $2),
    (SELECT count(*) FROM queue_delivery WHERE queue = $1 AND consumer IS NULL),
    (SELECT count(*) FROM queue_delivery WHERE queue = $1 AND consumer IS NOT NULL),
    (SELECT count(*) FROM queue_dead_letter WHERE queue = $1)
