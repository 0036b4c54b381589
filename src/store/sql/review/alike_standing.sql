where a.text_key = $1 and a.policy = $2 and a.alert_id <> $3 and a.alert_id <= $4 and a.state <> 'decided' and a.state = $5
  and (a.claimed_until is null or a.claimed_until <= $6 or a.claimed_by = $7)
order by a.alert_id
limit $8
