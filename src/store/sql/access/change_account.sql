update accounts
set name = $2, role = $3, teams = $4, agent_id = $5
where account_id = $1
