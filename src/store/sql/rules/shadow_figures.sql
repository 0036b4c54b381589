-- What became of alerts on messages in which a rule in shadow found something, too.
select f.rule_id,
       count(case when a.ruling = 'violation' and a.ruled_policy = a.policy then 1 end) as violations,
       count(case when a.ruling = 'not_violation' or a.ruling = 'violation' and a.ruled_policy <> a.policy then 1 end) as others,
       count(case when a.ruling = 'unsure' then 1 end) as unsure
from alerts a
join shadow_findings f on f.message_id = a.message_id and f.policy = a.policy
where a.state = 'decided' and a.decided_at >= $1
group by f.rule_id
