-- Messages with these numbers that have a verdict.
select m.message_id, m.text, v.language, v.policies,
       cast(case when exists (select 1 from alerts a where a.message_id = m.message_id) then 1 else 0 end as bigint) as alerted
from messages m
join verdicts v on v.message_id = m.message_id
where m.arrival LISTED
