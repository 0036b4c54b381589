-- By priority, then by age. When more wait than one tick takes up, every language and desk takes its turn, so that many who wait for a
-- desk without people do not keep the others from theirs.
from inquiries i
where i.inquiry_id in (
    select inquiry_id
    from (
        select inquiry_id, priority_rank, received_at,
            row_number() over (
                partition by language, coalesce(corrected_skill, skills ->> '$[0].skill')
                order by priority_rank desc, received_at, inquiry_id
            ) as turn
        from inquiries
        where status = 'waiting'
    ) turns
    order by turn, priority_rank desc, received_at, inquiry_id
    limit $1
)
order by i.priority_rank desc, i.received_at, i.inquiry_id
