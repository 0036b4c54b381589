-- What keeps an agent from an inquiry: whether its places would be too many.
select g.open_count + i.weight as wanted, g.capacity
from agents g
join inquiries i on i.inquiry_id = $2
where g.agent_id = $1
