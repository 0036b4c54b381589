-- What came before a message in its transaction, latest first.
select e.message_id, e.sender_role, e.text, e.sent_at
from messages m
join messages e on e.transaction_id = m.transaction_id and (e.sent_at, e.arrival) < (m.sent_at, m.arrival)
where m.message_id = $1
order by e.sent_at desc, e.arrival desc
limit $2
