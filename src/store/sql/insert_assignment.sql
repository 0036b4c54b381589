insert into assignments (inquiry_id, agent_id, skill, assigned_at, generation, expires_at, customer_id)
select $1, $2, $3, $4, $5, $6, i.customer_id
from inquiries i
where i.inquiry_id = $1
