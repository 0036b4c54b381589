insert into alerts (message_id, policy, action, score, sources, created_at, queue_time, text_key, sender_id, fired)
select new.*, m.sender_id,
       coalesce((select string_agg(distinct l.source, ' ' order by l.source) from verdict_labels l
                 where l.message_id = new.message_id and l.policy = new.policy), '')
from unnest($1::text[], $2::text[], $3::text[], $4::double precision[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[])
    as new (message_id, policy, action, score, sources, created_at, queue_time, text_key)
join messages m on m.message_id = new.message_id
