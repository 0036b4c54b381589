-- Gives the oldest ready deliveries of queue $2 to consumer $1, at most $3; none if the consumer's own lease has run out and
-- was taken away: what it claimed would never come back.
UPDATE queue_delivery
SET consumer = $1
WHERE sequence IN (
    SELECT sequence
    FROM queue_delivery
    WHERE queue = $2 AND consumer IS NULL AND EXISTS (SELECT 1 FROM queue_consumer WHERE consumer = $1)
    ORDER BY sequence
    LIMIT $3
)
RETURNING sequence, body, attempts
