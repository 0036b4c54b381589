INSERT INTO queue_delivery (queue, id, body, headers) VALUES ($1, $2, $3, $4)
