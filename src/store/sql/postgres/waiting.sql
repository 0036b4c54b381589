-- By priority, then by age. When more wait than one tick takes up, every language and desk takes its turn, so that many who wait for a
-- desk without people do not keep the others from theirs.
with turns as (
    select inquiry_id, priority_rank, received_at,
        row_number() over (
            partition by language, skills #>> '{0,skill}'
            order by priority_rank desc, received_at, inquiry_id
        ) as turn
    from inquiries
    where status = 'waiting'
),
taken as (
    select inquiry_id from turns order by turn, priority_rank desc, received_at, inquiry_id limit $1
)
select inquiry_id, customer_id, text, received_at, subject, transaction_id, priority, language, skills, model_version
from inquiries
where inquiry_id in (select inquiry_id from taken)
order by priority_rank desc, received_at, inquiry_id
