-- The oldest copy only: a dead letter may have been published twice.
DELETE FROM queue_dead_letter
WHERE sequence = (
    SELECT min(sequence) FROM queue_dead_letter WHERE queue = $1 AND dead_letter_id = $2
)
