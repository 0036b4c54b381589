select inquiry_id, customer_id, text, received_at, subject, transaction_id, priority, channel
from inquiries
where inquiry_id = $1
