select message_id, sender_role, text, sent_at
from messages
where message_id in (select value from json_each($1))
order by sent_at, arrival
