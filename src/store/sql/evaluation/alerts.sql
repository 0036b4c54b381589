select DAY as day, policy, sources, fired, count(*) as alerts,
       cast(0 as bigint) as violations, cast(0 as bigint) as others, cast(0 as bigint) as unsure
from alerts
where created_at >= $1 and created_at < $2
group by 1, 2, 3, 4
