-- Makes dead letters of the ready deliveries of queue $1 that came back more often than $2. $3 is the reason.
INSERT INTO queue_dead_letter (queue, id, dead_letter_id, body, headers)
SELECT queue, id, NULL, body, json_set(headers, '$."x-mimamori-reason"', $3)
FROM queue_delivery
WHERE queue = $1 AND consumer IS NULL AND attempts > $2
ORDER BY sequence
