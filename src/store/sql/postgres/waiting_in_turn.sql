-- What waits, in an order that has nothing to do with who is first, after the last one that was looked at.
from inquiries i
where i.status = 'waiting' and i.inquiry_id > $2
order by i.inquiry_id
limit $1
