-- Whether queue $1 has something to claim at the time $2: a ready delivery, or a lease that has run out.
SELECT
    EXISTS (SELECT 1 FROM queue_delivery WHERE queue = $1 AND consumer IS NULL)
    OR EXISTS (SELECT 1 FROM queue_consumer WHERE queue = $1 AND lease_until < $2)
