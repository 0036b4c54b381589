-- The numbers of the alerts of a period.
select coalesce((select alert_id from alerts where created_at >= $1 and created_at < $2 order by created_at, alert_id limit 1), 0) as first,
       coalesce((select alert_id from alerts where created_at >= $1 and created_at < $2 order by created_at desc, alert_id desc limit 1), -1) as last
