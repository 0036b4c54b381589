insert into accounts (login, name, role, teams, agent_id, language, password_hash, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (login) do nothing
returning account_id
