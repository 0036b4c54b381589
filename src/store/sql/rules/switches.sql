select rule_id, is_off, reason, switched_by, switched_at, generation
from rule_switches
order by rule_id
limit $1
