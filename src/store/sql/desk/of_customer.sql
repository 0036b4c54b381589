where i.customer_id = $1 and i.inquiry_id <> $2
order by i.received_at desc, i.inquiry_id desc
limit $3
