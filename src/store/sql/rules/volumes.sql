-- Findings by rule since two days, the first of which is the earlier. The far end of the range holds everything; with it the range is read
-- by the index whatever its beginning is.
select rule_id, shadow, cast(sum(findings) as bigint) as longer,
       cast(sum(case when day >= $2 then findings else 0 end) as bigint) as shorter
from rule_days
where day >= $1 and day <= $1 + 1000
group by rule_id, shadow
