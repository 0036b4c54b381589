insert into rule_days (day, rule_id, shadow, shard, findings)
select day, rule_id, shadow, $5::bigint, findings
from unnest($1::bigint[], $2::text[], $3::boolean[], $4::bigint[]) as given (day, rule_id, shadow, findings)
on conflict (day, rule_id, shadow, shard) do update set findings = rule_days.findings + excluded.findings
