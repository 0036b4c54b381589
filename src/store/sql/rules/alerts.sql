-- The latest findings of a source that an alert came of. Only so many findings are looked at.
select a.alert_id, a.policy, a.action, a.score, a.created_at, a.state, a.ruling
from (
    select message_id, policy, decided_at
    from verdict_labels
    where source = $1
    order by decided_at desc, message_id
    limit $3
) l
join alerts a on a.message_id = l.message_id and a.policy = l.policy
order by l.decided_at desc, a.alert_id desc
limit $2
