-- Numbered in the order in which they came, written in the order of their ids: two workers with overlapping batches then
-- wait for each other instead of ending in a deadlock.
with came as materialized (
    select u.*, nextval(pg_get_serial_sequence('messages', 'arrival')) as arrival
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
        as u (message_id, transaction_id, sender_id, sender_role, text, sent_at)
)
insert into messages (message_id, arrival, transaction_id, sender_id, sender_role, text, sent_at)
select message_id, arrival, transaction_id, sender_id, sender_role, text, sent_at
from came
order by message_id, arrival
on conflict (message_id) do nothing
