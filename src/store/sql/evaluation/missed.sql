select position, ruled_policy, decided_by, decided_at
from audit_messages
where sample_id = $1 and ruling = 'violation'
order by position
limit $2
