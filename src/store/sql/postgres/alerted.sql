-- Each transaction is looked up by itself: its messages by one index, their alerts by another.
select asked.transaction_id
from unnest($1::text[]) as asked (transaction_id)
cross join lateral (
    select 1
    from messages m
    join alerts a on a.message_id = m.message_id
    where m.transaction_id = asked.transaction_id
    limit 1
) alerted
