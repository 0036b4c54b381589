insert into reply_templates (starter, name, language, skill, text, changed_by, changed_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (starter) do nothing
