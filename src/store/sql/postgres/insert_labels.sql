insert into verdict_labels (message_id, position, policy, subtype, score, source, spans, parts, decided_at)
select *
from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::double precision[], $6::text[], $7::jsonb[],
            $8::jsonb[], $9::timestamptz[])
