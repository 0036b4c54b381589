-- In the order of the alerts, so that two who undo wait for each other.
select alert_id, generation, state_before
from alert_trail
where batch = $1 and act in ('decided', 'escalated')
order by alert_id
