-- For each customer the agent who has an inquiry of theirs in hand, the newest first, or else who last resolved one since then.
select asked.customer_id, known.agent_id, known.open_matter
from unnest($1::text[]) as asked (customer_id)
cross join lateral (
    select a.agent_id, a.ended_at is null as open_matter
    from inquiries i
    join assignments a on a.inquiry_id = i.inquiry_id
    where i.customer_id = asked.customer_id
      and (a.ended_at is null or (a.outcome = 'resolved' and a.ended_at >= $2))
    order by a.ended_at is null desc, a.ended_at desc, a.assignment_id desc
    limit 1
) known
