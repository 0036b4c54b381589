-- The last decision of the router on an inquiry; decisions are kept for a time only.
select explanation
from routing_decisions
where inquiry_id = $1
order by decision_id desc
limit 1
