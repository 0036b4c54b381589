select a.alert_id, a.policy, a.action, a.score, a.created_at,
       m.message_id, m.transaction_id, m.sender_role, m.text
from alerts a
join messages m on m.message_id = a.message_id
order by a.created_at desc, a.alert_id desc
limit $1 offset $2
