insert into shadow_findings (message_id, rule_id, policy, decided_at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
