-- As inquiries.sql, of those only that the agent $3, or an agent of the teams in $4, has or had when they were resolved.
select i.inquiry_id, i.subject, i.text, i.language, i.priority, i.channel, i.status, i.skills, i.reason, i.received_at, i.generation,
       i.corrected_skill, a.agent_id, a.accepted_at, a.expires_at, g.name as agent_name
from inquiries i
join assignments a on a.assignment_id =
    (select max(latest.assignment_id) from assignments latest where latest.inquiry_id = i.inquiry_id)
join agents g on g.agent_id = a.agent_id
where i.status in ('assigned', 'resolved') and (g.agent_id = $3 or g.team in (select value from json_each($4)))
order by i.received_at desc, i.inquiry_id desc
limit $1 offset $2
