select count(*) as count, coalesce(max(alert_id), 0) as up_to
from (
    select alert_id
    from alerts
    where text_key = $1 and policy = $2 and alert_id <> $3 and state <> 'decided' and state = $4
    order by alert_id
    limit $5
) alike
