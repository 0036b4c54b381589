select first_response_at
from inquiries
where inquiry_id = $1
