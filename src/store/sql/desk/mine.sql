-- Everything that an agent holds: what still has to be accepted first, by the time that is left for it.
from assignments a
join inquiries i on i.inquiry_id = a.inquiry_id
join agents g on g.agent_id = a.agent_id
where a.agent_id = $1 and a.ended_at is null
order by case when a.accepted_at is null and a.expires_at is not null then 0 else 1 end,
         case when a.accepted_at is null then a.expires_at end,
         i.priority_rank desc, i.received_at, i.inquiry_id
limit $2
