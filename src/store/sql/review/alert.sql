-- Everything about alerts but their findings. What follows chooses and orders them.
select a.alert_id, a.policy, a.action, a.score, a.sources, a.created_at, a.sender_id, a.state, a.queue_time, a.generation,
       a.claimed_by, a.claimed_until, a.ruling, a.ruled_policy, a.ruled_subtype, a.note, a.decided_by, a.decided_at, a.warned_at,
       a.text_key, m.message_id, m.transaction_id, m.sender_role, m.text, v.language, v.rules_version, v.model_version
from alerts a
join messages m on m.message_id = a.message_id
join verdicts v on v.message_id = a.message_id
