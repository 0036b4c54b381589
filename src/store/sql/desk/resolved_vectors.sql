select a.inquiry_id, a.ended_at, v.version, v.vector
from assignments a
join inquiry_vectors v on v.inquiry_id = a.inquiry_id
where a.outcome = 'resolved' and (a.ended_at, a.inquiry_id) > ($1, $2)
order by a.ended_at, a.inquiry_id
limit $3
