-- Compare and set.
update reply_templates
set name = $3, language = $4, skill = $5, text = $6, generation = generation + 1, changed_by = $7, changed_at = $8
where template_id = $1 and generation = $2 and retired_at is null
