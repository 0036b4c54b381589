-- The messages of a transaction around one of them, the nearest first, that one included.
select e.message_id, e.sender_id, e.sender_role, e.text, e.sent_at, coalesce(e.hidden, v.action = 'hide', false) as hidden
from messages m
join messages e on e.transaction_id = m.transaction_id and (e.sent_at, e.arrival) <= (m.sent_at, m.arrival)
left join verdicts v on v.message_id = e.message_id
where m.message_id = $1
order by e.sent_at desc, e.arrival desc
limit $2
