-- All workers together.
select minute, queue, cast(sum(decided) as bigint) as decided, cast(sum(duplicates) as bigint) as duplicates,
       cast(sum(dead_lettered) as bigint) as dead_lettered, cast(sum(requeued) as bigint) as requeued,
       cast(sum(alerts) as bigint) as alerts, cast(sum(within_1s) as bigint) as within_1s,
       cast(sum(within_5s) as bigint) as within_5s, cast(sum(within_30s) as bigint) as within_30s,
       cast(sum(within_2m) as bigint) as within_2m, cast(sum(within_10m) as bigint) as within_10m,
       cast(sum(later) as bigint) as later
from worker_minutes
where minute >= $1 and minute < $2
group by minute, queue
order by minute, queue
