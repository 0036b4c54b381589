-- For each message whether it is decided and, one row each, what came before it in its transaction. A message without
-- context has one row with nulls.
select m.message_id as asked_id, v.message_id is not null as decided,
       c.message_id, c.sender_role, c.text, c.sent_at
from messages m
left join verdicts v on v.message_id = m.message_id
left join lateral (
    select e.message_id, e.sender_role, e.text, e.sent_at, e.arrival
    from messages e
    where e.transaction_id = m.transaction_id and (e.sent_at, e.arrival) < (m.sent_at, m.arrival)
    order by e.sent_at desc, e.arrival desc
    limit $2
) c on true
where m.message_id = any($1)
order by m.message_id, c.sent_at, c.arrival
