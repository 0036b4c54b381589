select act, at, batch
from alert_trail
where reviewer = $1 and act in ('decided', 'escalated', 'undone')
order by trail_id desc
limit 1
