insert into rule_switches (rule_id, is_off, reason, switched_by, switched_at, generation)
values ($1, $2, $3, $4, $5, 1)
on conflict (rule_id) do nothing
