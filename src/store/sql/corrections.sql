-- Inquiries whose need a person told, by the time they came in; $3 and $4 are the last row of the page before.
select inquiry_id, language, subject, text, received_at, corrected_skill
from inquiries
where corrected_skill is not null and received_at >= $1 and received_at < $2 and (received_at, inquiry_id) > ($3, $4)
order by received_at, inquiry_id
limit $5
