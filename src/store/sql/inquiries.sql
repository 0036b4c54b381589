select i.inquiry_id, i.subject, i.text, i.language, i.priority, i.status, i.skills, i.reason, i.received_at,
       a.agent_id, g.name as agent_name
from inquiries i
left join assignments a on a.assignment_id =
    (select max(latest.assignment_id) from assignments latest where latest.inquiry_id = i.inquiry_id)
left join agents g on g.agent_id = a.agent_id
order by i.received_at desc, i.inquiry_id desc
limit $1 offset $2
