-- Decisions of a period with the inquiry they are about, and who finished it in the end, if anybody did.
select d.decision_id, d.inquiry_id, d.decided_at, d.status, d.agent_id, d.explanation,
       i.language, i.priority, i.received_at, i.skills,
       case when i.status = 'resolved' then
           (select a.agent_id from assignments a where a.inquiry_id = d.inquiry_id order by a.assignment_id desc limit 1)
       end as finished_by
from routing_decisions d
join inquiries i on i.inquiry_id = d.inquiry_id
where d.decided_at >= $1 and d.decided_at < $2 and (d.decided_at, d.decision_id) > ($3, $4)
order by d.decided_at, d.decision_id
limit $5
