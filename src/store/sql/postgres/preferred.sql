-- For each customer the agent who has an inquiry of theirs in hand, the newest first, or else who last resolved one since then. Each is the
-- first row of an index, however many inquiries the customer has.
select asked.customer_id, known.agent_id, known.open_matter
from unnest($1::text[]) as asked (customer_id)
cross join lateral (
    (select a.agent_id, true as open_matter
     from assignments a
     where a.customer_id = asked.customer_id and a.ended_at is null
     order by a.assigned_at desc, a.assignment_id desc
     limit 1)
    union all
    (select a.agent_id, false
     from assignments a
     where a.customer_id = asked.customer_id and a.outcome = 'resolved' and a.ended_at >= $2
     order by a.ended_at desc, a.assignment_id desc
     limit 1)
    order by open_matter desc
    limit 1
) known
