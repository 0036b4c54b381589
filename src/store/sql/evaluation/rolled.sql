select day, policy, sources, fired, alerts, cast(0 as bigint) as violations, cast(0 as bigint) as others, cast(0 as bigint) as unsure
from alert_days
where day >= $1 and day < $2
