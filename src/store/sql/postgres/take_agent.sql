-- Compare and set: presence, capacity, skill and language are checked again, on the row as it is now, and the inquiry is counted in
-- with as many places as it takes.
-- Proficiency, team and hours are wishes, and hold as of the moment of the decision. A supervisor asks for no skill ($2 is null).
-- Who rejected the inquiry never gets it again, and who let it run out, or from whom it was taken back, only if the engine found nobody
-- else or a supervisor says so ($7). What a supervisor has lifted does not count ($8, or else as the inquiry says).
-- The time never goes back, whatever the clocks of two routers say. What was in use until now goes into the mean that fades:
-- routing::AgentSnapshot::mean_open_at knows the same formula, free_agent.sql too.
update agents
set open_count = open_count + i.weight,
    mean_open = open_count + (mean_open - open_count) * $5 / ($5 + greatest(extract(epoch from ($4 - open_changed_at))::double precision, 0)),
    open_changed_at = greatest(open_changed_at, $4),
    last_assigned_at = case when last_assigned_at > $4 then last_assigned_at else $4 end
from inquiries i
where agent_id = $1
  and i.inquiry_id = $6
  and available
  and open_count + i.weight <= capacity
  and ($2::text is null or exists (select 1 from agent_skills s where s.agent_id = agents.agent_id and s.skill = $2))
  and exists (select 1 from agent_languages l where l.agent_id = agents.agent_id and l.language = $3)
  and not exists (
      select 1 from assignments a
      where a.inquiry_id = $6 and a.agent_id = agents.agent_id
        and (a.outcome = 'rejected' or (not $7::boolean and a.outcome in ('expired', 'withdrawn')))
        and a.generation > coalesce($8::bigint, i.asked_from)
  )
returning open_count, capacity,
    coalesce((select s.proficiency from agent_skills s where s.agent_id = agents.agent_id and s.skill = $2), 0) as proficiency
