-- Who was not answered before is answered by the resolution.
update inquiries
set status = 'resolved', first_response_at = coalesce(first_response_at, $2)
where inquiry_id = $1
