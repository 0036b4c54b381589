-- Switched on again, or at another address, it is taken for well.
update webhook_endpoints
set generation = generation + 1,
    failing_since = case when url = $2 and (active or not $4) then failing_since end,
    gone_at = case when $4 then null else gone_at end,
    url = $2,
    events = $3,
    active = $4
where endpoint_id = $1
