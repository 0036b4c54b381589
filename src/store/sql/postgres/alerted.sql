-- Each transaction is looked up by itself: its messages by one index, their alerts by another. An alert counts until somebody has
-- said that it is no violation.
select asked.transaction_id
from unnest($1::text[]) as asked (transaction_id)
cross join lateral (
    select 1
    from messages m
    join alerts a on a.message_id = m.message_id
    where m.transaction_id = asked.transaction_id and coalesce(a.ruling, '') <> 'not_violation'
    limit 1
) alerted
