-- For each customer the agent who has an inquiry of theirs in hand, the newest first, or else who last resolved one since then. Each is the
-- first row of an index, however many inquiries the customer has.
select asked.value as customer_id, known.agent_id, known.ended_at is null as open_matter
from json_each($1) asked
join assignments known on known.assignment_id = coalesce(
    (select a.assignment_id
     from assignments a
     where a.customer_id = asked.value and a.ended_at is null
     order by a.assigned_at desc, a.assignment_id desc
     limit 1),
    (select a.assignment_id
     from assignments a
     where a.customer_id = asked.value and a.outcome = 'resolved' and a.ended_at >= $2
     order by a.ended_at desc, a.assignment_id desc
     limit 1)
)
