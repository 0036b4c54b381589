-- What agents hold. There are as many as agents have places.
from agents g
join assignments a on a.agent_id = g.agent_id and a.ended_at is null
join inquiries i on i.inquiry_id = a.inquiry_id
