-- A rejection after $2 means that the replayed body came back already: the dead letter stays open.
update dead_letters
set replayed_at = $2, replays = replays + 1
where dead_letter_id = $1 and replayed_at is null and last_at <= $2
