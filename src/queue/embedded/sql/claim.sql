-- Gives the oldest ready deliveries of queue $2 to consumer $1, at most $3.
UPDATE queue_delivery
SET consumer = $1
WHERE sequence IN (
    SELECT sequence
    FROM queue_delivery
    WHERE queue = $2 AND consumer IS NULL
    ORDER BY sequence
    LIMIT $3
)
RETURNING sequence, body, attempts
