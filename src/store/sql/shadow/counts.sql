select live, shadow, policy, max(day) as last_day, cast(sum(agreed_flagged) as bigint) as agreed_flagged,
       cast(sum(agreed_clear) as bigint) as agreed_clear, cast(sum(only_live) as bigint) as only_live,
       cast(sum(only_shadow) as bigint) as only_shadow
from shadow_counts
where day >= $1 and day < $2
group by live, shadow, policy
order by max(day) desc, live, shadow, policy
limit $3
