insert into alerts (message_id, policy, action, score, sources, created_at)
select *
from unnest($1::text[], $2::text[], $3::text[], $4::double precision[], $5::text[], $6::timestamptz[])
