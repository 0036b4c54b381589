select dead_letter_id, queue, body, code, detail, rejections, first_at, last_at, replays, replayed_at
from dead_letters
order by last_at desc, dead_letter_id desc
limit $1 offset $2
