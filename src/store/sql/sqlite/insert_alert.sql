insert into alerts (message_id, policy, action, score, sources, created_at, queue_time, text_key, sender_id, fired)
values ($1, $2, $3, $4, $5, $6, $7, $8, (select sender_id from messages where message_id = $1),
        coalesce((select group_concat(source, ' ') from (
            select distinct source from verdict_labels where message_id = $1 and policy = $2 order by source)), ''))
