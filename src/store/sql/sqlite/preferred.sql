-- For each customer the agent who has an inquiry of theirs in hand, the newest first, or else who last resolved one since then.
select customer_id, agent_id, open_matter
from (
    select i.customer_id, a.agent_id, a.ended_at is null as open_matter,
           row_number() over (
               partition by i.customer_id
               order by a.ended_at is null desc, a.ended_at desc, a.assignment_id desc
           ) as place
    from inquiries i
    join assignments a on a.inquiry_id = i.inquiry_id
    where i.customer_id in (select value from json_each($1))
      and (a.ended_at is null or (a.outcome = 'resolved' and a.ended_at >= $2))
)
where place = 1
