from assignments a
join inquiries i on i.inquiry_id = a.inquiry_id
join agents g on g.agent_id = a.agent_id
where a.outcome = 'resolved'
