-- As inquiries.sql, by a place in the list instead of a number of rows before it.
select i.inquiry_id, i.subject, i.text, i.language, i.priority, i.channel, i.status, i.skills, i.reason, i.received_at, i.generation,
       i.corrected_skill, a.agent_id, a.accepted_at, a.expires_at, g.name as agent_name
from inquiries i
left join assignments a on i.status in ('assigned', 'resolved') and a.assignment_id =
    (select max(latest.assignment_id) from assignments latest where latest.inquiry_id = i.inquiry_id)
left join agents g on g.agent_id = a.agent_id
