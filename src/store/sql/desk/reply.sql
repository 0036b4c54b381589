insert into replies (inquiry_id, agent_id, replied_by, template_id, text, resolves, replied_at)
values ($1, $2, $3, $4, $5, $6, $7)
returning reply_id
