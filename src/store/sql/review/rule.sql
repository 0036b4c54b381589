-- Compare and set, also for a row that is locked: nothing is decided twice whatever the program does.
update alerts
set state = $3, generation = $4, ruling = $5, ruled_policy = $6, ruled_subtype = $7, note = $8, decided_by = $9, decided_at = $10,
    claimed_by = $11, claimed_until = $12
where alert_id = $1 and generation = $2
