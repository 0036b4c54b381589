-- Messages of open samples that nobody has judged, counted up to a bound.
select count(*) as count
from (
    select 1
    from audit_messages a
    where a.ruling is null and exists (select 1 from audit_samples s where s.sample_id = a.sample_id and s.closed_at is null)
    limit $1
) waiting
