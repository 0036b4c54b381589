-- By the date of the alert, whenever it was decided.
select DAY as day, policy, sources, fired, count(*) as alerts,
       count(case when ruling = 'violation' and ruled_policy = policy then 1 end) as violations,
       count(case when ruling = 'not_violation' or ruling = 'violation' and ruled_policy <> policy then 1 end) as others,
       count(case when ruling = 'unsure' then 1 end) as unsure
from alerts
where state = 'decided' and created_at >= $1 and created_at < $2
group by 1, 2, 3, 4
