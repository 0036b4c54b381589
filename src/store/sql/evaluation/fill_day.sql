insert into alert_days (day, policy, sources, fired, alerts)
select cast($1 as bigint), policy, sources, fired, count(*)
from alerts
where created_at >= $2 and created_at < $3
group by policy, sources, fired
