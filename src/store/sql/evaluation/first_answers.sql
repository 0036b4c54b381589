-- Inquiries of a period by the time until they were answered for the first time (first_response_at), under the skill and the agent that
-- had them then. Times are rounded down to seconds, from two minutes on to ten of them, from an hour on to minutes, from a day on to ten
-- minutes: few rows come back.
select day, skill, team,
       case when seconds < 120 then seconds when seconds < 3600 then seconds / 10 * 10
            when seconds < 86400 then seconds / 60 * 60 else seconds / 600 * 600 end as seconds,
       count(*) as count
from (
    select DAY as day, a.skill, g.team, ELAPSED as seconds
    from inquiries i
    join assignments a on a.assignment_id = (
        select f.assignment_id
        from assignments f
        where f.inquiry_id = i.inquiry_id and f.assigned_at <= i.first_response_at
            and (f.ended_at is null or f.ended_at >= i.first_response_at)
        order by f.assignment_id desc
        limit 1)
    join agents g on g.agent_id = a.agent_id
    where i.received_at >= $1 and i.received_at < $2 and i.first_response_at is not null
) answered
group by 1, 2, 3, 4
