-- Inquiries of a period by the time until an agent accepted or resolved them for the first time. Times are rounded down to
-- seconds, from two minutes on to ten of them, from an hour on to minutes, from a day on to ten minutes: few rows come back.
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
        where f.inquiry_id = i.inquiry_id and (f.accepted_at is not null or f.outcome = 'resolved')
        order by coalesce(f.accepted_at, f.ended_at), f.assignment_id
        limit 1)
    join agents g on g.agent_id = a.agent_id
    where i.received_at >= $1 and i.received_at < $2
) answered
group by 1, 2, 3, 4
