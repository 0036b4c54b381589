-- Only a dead letter that is open, and is as often replayed as who asks has seen.
update dead_letters
set replayed_at = $2, replays = replays + 1
where dead_letter_id = $1 and replayed_at is null and replays = coalesce($3, replays)
returning queue, body, replays
