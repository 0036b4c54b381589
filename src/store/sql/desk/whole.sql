from inquiries i
left join assignments a on i.status in ('assigned', 'resolved') and a.assignment_id =
    (select max(latest.assignment_id) from assignments latest where latest.inquiry_id = i.inquiry_id)
left join agents g on g.agent_id = a.agent_id
