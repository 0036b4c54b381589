select stratum, ruling, ruled_policy, count(*) as count
from audit_messages
where sample_id = $1 and ruling is not null
group by stratum, ruling, ruled_policy
order by stratum, ruling, ruled_policy
