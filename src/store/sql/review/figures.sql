-- Decided alerts by kind of source, and by each source that fired.
select policy, sources as source,
       count(case when ruling = 'violation' and ruled_policy = policy then 1 end) as violations,
       count(case when ruling = 'not_violation' or ruling = 'violation' and ruled_policy <> policy then 1 end) as others,
       count(case when ruling = 'unsure' then 1 end) as unsure
from alerts
where state = 'decided' and decided_at >= $1
group by policy, sources
union all
select policy, source,
       count(case when ruling = 'violation' and ruled_policy = policy then 1 end),
       count(case when ruling = 'not_violation' or ruling = 'violation' and ruled_policy <> policy then 1 end),
       count(case when ruling = 'unsure' then 1 end)
from (
    select distinct a.alert_id, a.policy, l.source, a.ruling, a.ruled_policy
    from alerts a
    join verdict_labels l on l.message_id = a.message_id and l.policy = a.policy
    where a.state = 'decided' and a.decided_at >= $1
) fired
group by policy, source
order by policy, source
