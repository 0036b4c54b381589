update inquiries
set status = $2, reason = $3, language = $4, skills = $5, model_version = $6, decided_at = $7, generation = $8
where inquiry_id = $1
