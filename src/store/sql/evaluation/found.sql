select policy, cast(sum(violations) as bigint) as violations, cast(sum(undecided) as bigint) as undecided
from (
    select ruled_policy as policy, count(distinct message_id) as violations, 0 as undecided
    from alerts
    where state = 'decided' and ruling = 'violation' and created_at >= $1 and created_at < $2
    group by ruled_policy
    union all
    select policy, 0, count(*)
    from alerts
    where state <> 'decided' and created_at >= $1 and created_at < $2
    group by policy
) found
group by policy
order by policy
