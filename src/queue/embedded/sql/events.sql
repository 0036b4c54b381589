SELECT routing_key, count(*) FROM queue_event WHERE prefix = $1 GROUP BY routing_key
