select s.sample_id, s.drawn_at, s.drawn_by, s.from_at, s.to_at, s.seed, s.numbers, s.asked, s.pool, s.strata, s.closed_at,
       (select count(*) from audit_messages a where a.sample_id = s.sample_id) as size,
       (select count(*) from audit_messages a where a.sample_id = s.sample_id and a.ruling is not null) as judged
from audit_samples s
