select dead_letter_id, queue, body, code, detail, rejections, first_at, last_at, replays, replayed_at
from dead_letters
where dead_letter_id = $1
