-- Messages of the alerts with these numbers, each once.
select m.message_id, m.text, v.language, v.policies, cast(1 as bigint) as alerted
from messages m
join verdicts v on v.message_id = m.message_id
where m.message_id in (select a.message_id from alerts a where a.alert_id LISTED)
