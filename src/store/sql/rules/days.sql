select day, shadow, cast(sum(findings) as bigint) as findings
from rule_days
where rule_id = $1 and day >= $2
group by day, shadow
order by day, shadow
