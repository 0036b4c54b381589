select arrival, received_at
from messages
where arrival >= $1
order by arrival
limit 1
