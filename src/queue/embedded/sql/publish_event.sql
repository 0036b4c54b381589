INSERT INTO queue_event (prefix, routing_key, id, body, headers) VALUES ($1, $2, $3, $4, $5)
