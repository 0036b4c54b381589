insert into rule_days (day, rule_id, shadow, shard, findings) values ($1, $2, $3, 0, $4)
on conflict (day, rule_id, shadow, shard) do update set findings = rule_days.findings + excluded.findings
