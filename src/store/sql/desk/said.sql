-- The newest messages of a transaction, the latest first.
select e.message_id, e.sender_id, e.sender_role, e.text, e.sent_at, coalesce(e.hidden, v.action = 'hide', false) as hidden
from messages e
left join verdicts v on v.message_id = e.message_id
where e.transaction_id = $1
order by e.sent_at desc, e.arrival desc
limit $2
