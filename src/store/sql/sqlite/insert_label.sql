insert into verdict_labels (message_id, position, policy, subtype, score, source, spans, parts, decided_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
