-- An alert counts until somebody has said that it is no violation.
select distinct m.transaction_id
from messages m
join alerts a on a.message_id = m.message_id
where m.transaction_id in (select value from json_each($1)) and coalesce(a.ruling, '') <> 'not_violation'
