-- By priority, then by age. When more wait than one tick takes up, every language and desk takes its turn, so that many who wait for a
-- desk without people do not keep the others from theirs.
with turns as (
    select inquiry_id, priority_rank, received_at,
        row_number() over (
            partition by language, coalesce(corrected_skill, skills ->> '$[0].skill')
            order by priority_rank desc, received_at, inquiry_id
        ) as turn
    from inquiries
    where status = 'waiting'
),
taken as (
    select inquiry_id from turns order by turn, priority_rank desc, received_at, inquiry_id limit $1
)
select i.inquiry_id, i.customer_id, i.text, i.received_at, i.subject, i.transaction_id, i.priority, i.language, i.skills, i.model_version,
    i.generation, i.decided_at, i.corrected_skill,
    (select json_group_array(distinct a.agent_id) from assignments a
     where a.inquiry_id = i.inquiry_id and a.outcome = 'rejected' and a.generation > i.asked_from) as rejected_by,
    (select json_group_object(late.agent_id, late.ended) from (
        select a.agent_id, max(a.ended_at) as ended from assignments a
        where a.inquiry_id = i.inquiry_id and a.outcome in ('expired', 'withdrawn') and a.generation > i.asked_from
        group by a.agent_id) late) as set_aside
from inquiries i
where i.inquiry_id in (select inquiry_id from taken)
order by i.priority_rank desc, i.received_at, i.inquiry_id
