select inquiry_id, customer_id, text, received_at, subject, transaction_id, priority, language, skills, model_version
from inquiries
where status = 'waiting'
order by priority_rank desc, received_at, inquiry_id
limit $1
