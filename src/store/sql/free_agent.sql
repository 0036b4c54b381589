update agents
set open_count = open_count - (select i.weight from inquiries i where i.inquiry_id = $2)
where agent_id = $1
