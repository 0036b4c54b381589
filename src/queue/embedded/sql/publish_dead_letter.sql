INSERT INTO queue_dead_letter (queue, id, body, headers, dead_letter_id) VALUES ($1, $2, $3, $4, $5)
