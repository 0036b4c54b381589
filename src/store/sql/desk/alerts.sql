where m.transaction_id = $1
order by a.created_at desc, a.alert_id desc
limit $2
