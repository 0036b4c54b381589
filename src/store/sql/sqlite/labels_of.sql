select message_id, policy, subtype, score, source, spans, parts
from verdict_labels
where message_id in (select value from json_each($1))
order by message_id, position
