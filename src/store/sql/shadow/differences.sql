select d.message_id, d.live_probability, d.shadow_probability, d.judged_at, m.transaction_id, m.sender_role, m.text, a.alert_id,
       a.ruling, a.ruled_policy
from shadow_differences d
join messages m on m.message_id = d.message_id
left join alerts a on a.message_id = d.message_id and a.policy = d.policy
where d.shadow = $1 and d.live = $2 and d.policy = $3 and d.side = $4
order by d.judged_at desc, d.message_id
limit $5 offset $6
