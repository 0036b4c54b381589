-- Removes what bury.sql has copied.
DELETE FROM queue_delivery
WHERE queue = $1 AND consumer IS NULL AND attempts > $2
