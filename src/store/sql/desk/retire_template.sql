-- Compare and set. Replies that were made of it still name it.
update reply_templates
set generation = generation + 1, changed_by = $3, changed_at = $4, retired_at = $4
where template_id = $1 and generation = $2 and retired_at is null
