insert into verdicts (message_id, action, policies, language, rules_version, model_version, decided_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (message_id) do nothing
