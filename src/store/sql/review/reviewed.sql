-- One row for each alert of a message, and one for a message without any.
select m.message_id, m.sender_role, m.text, v.language, a.policy, a.ruling, a.ruled_policy, a.ruled_subtype, a.note, a.decided_by,
       a.decided_at
from (select * from messages where transaction_id = $1 order by sent_at, arrival limit $2) m
left join verdicts v on v.message_id = m.message_id
left join alerts a on a.message_id = m.message_id
order by m.sent_at, m.arrival, a.policy
