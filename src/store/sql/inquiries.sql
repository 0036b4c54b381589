-- The page first, then who has what is on it. An inquiry that waits again shows nobody, whoever had it before.
with page as (
    select inquiry_id, subject, text, language, priority, channel, status, skills, reason, received_at, generation, corrected_skill
    from inquiries
    order by received_at desc, inquiry_id desc
    limit $1 offset $2
)
select i.*, a.agent_id, a.accepted_at, a.expires_at, g.name as agent_name
from page i
left join assignments a on i.status in ('assigned', 'resolved') and a.assignment_id =
    (select max(latest.assignment_id) from assignments latest where latest.inquiry_id = i.inquiry_id)
left join agents g on g.agent_id = a.agent_id
order by i.received_at desc, i.inquiry_id desc
