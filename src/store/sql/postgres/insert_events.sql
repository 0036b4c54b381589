insert into outbox (event_key, target_kind, target_name, outgoing_id, body, headers)
select *
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::jsonb[])
