-- Takes back what consumers of queue $1 hold whose lease ran out before $2.
UPDATE queue_delivery
SET consumer = NULL, attempts = attempts + 1
WHERE consumer IN (SELECT consumer FROM queue_consumer WHERE queue = $1 AND lease_until < $2)
RETURNING attempts
