select count(*) as attempts, min(at) as oldest
from log_in_attempts
where counted = $1 and at > $2
