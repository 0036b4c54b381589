-- These of consumer $1 are done; $2 is a JSON array of sequences.
DELETE FROM queue_delivery
WHERE consumer = $1 AND sequence IN (SELECT value FROM json_each($2))
