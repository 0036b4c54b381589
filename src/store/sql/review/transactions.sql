select distinct m.transaction_id
from alerts a
join messages m on m.message_id = a.message_id
where a.state = 'decided' and a.decided_at >= $1 and a.decided_at < $2 and m.transaction_id > $3
order by m.transaction_id
limit $4
