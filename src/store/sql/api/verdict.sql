select v.message_id, m.transaction_id, v.action, v.policies, v.language, v.rules_version, v.model_version, v.decided_at
from verdicts v
join messages m on m.message_id = v.message_id
where v.message_id = $1
