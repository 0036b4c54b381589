insert into verdicts (message_id, action, policies, language, rules_version, model_version, decided_at)
select *
from unnest($1::text[], $2::text[], $3::jsonb[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
on conflict (message_id) do nothing
returning message_id
