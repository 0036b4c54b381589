-- By the skill that was asked for, and whether the agent said that it was another one.
select skill, outcome, cast(case when outcome = 'rejected' and right_skill <> skill then 1 else 0 end as bigint) as wrong,
       count(*) as count
from assignments
where ended_at >= $1
group by 1, 2, 3
