select r.reply_id, r.agent_id, g.name as agent_name, r.replied_by, r.text, r.resolves, r.replied_at
from replies r
join agents g on g.agent_id = r.agent_id
where r.inquiry_id = $1
order by r.reply_id desc
limit $2
