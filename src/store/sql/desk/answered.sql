update inquiries
set first_response_at = $2
where inquiry_id = $1 and first_response_at is null
