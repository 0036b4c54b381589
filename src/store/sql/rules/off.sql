select rule_id from rule_switches where is_off order by rule_id
