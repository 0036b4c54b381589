-- Takes back these of consumer $1; $2 is a JSON array of sequences.
UPDATE queue_delivery
SET consumer = NULL, attempts = attempts + 1
WHERE consumer = $1 AND sequence IN (SELECT value FROM json_each($2))
RETURNING attempts
