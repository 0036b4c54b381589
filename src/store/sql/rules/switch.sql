-- Compare and set: only who has seen how the rule stands now.
update rule_switches
set is_off = $2, reason = $3, switched_by = $4, switched_at = $5, generation = generation + 1
where rule_id = $1 and generation = $6
