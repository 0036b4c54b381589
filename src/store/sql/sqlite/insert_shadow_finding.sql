insert into shadow_findings (message_id, rule_id, policy, decided_at) values ($1, $2, $3, $4)
