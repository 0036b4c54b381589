select g.team, count(*) as ended,
       count(case when a.outcome = 'rejected' and a.right_skill <> a.skill then 1 end) as wrong
from assignments a
join agents g on g.agent_id = a.agent_id
where a.ended_at >= $1
group by g.team
order by g.team
