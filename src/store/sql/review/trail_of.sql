select at, reviewer, act, ruling, policy, subtype, note, batch
from alert_trail
where alert_id = $1
order by trail_id desc
limit $2
