insert into audit_samples (drawn_at, drawn_by, from_at, to_at, seed, numbers, asked, pool, strata)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
returning sample_id
