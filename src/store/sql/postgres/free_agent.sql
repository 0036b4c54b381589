-- The places of an inquiry that an agent has no longer. What was in use until now goes into the mean as in take_agent.sql.
update agents
set open_count = open_count - (select i.weight from inquiries i where i.inquiry_id = $2),
    mean_open = open_count + (mean_open - open_count) * $4 / ($4 + greatest(extract(epoch from ($3 - open_changed_at))::double precision, 0)),
    open_changed_at = greatest(open_changed_at, $3)
where agent_id = $1
