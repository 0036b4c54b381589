-- Who can take something now. One statement, so that skills and languages are of the same moment.
select g.agent_id, g.available, g.open_count, g.capacity, g.last_assigned_at, g.team, g.hours, g.mean_open, g.open_changed_at,
    coalesce((select jsonb_object_agg(s.skill, s.proficiency) from agent_skills s where s.agent_id = g.agent_id), '{}') as skills,
    coalesce((select jsonb_agg(l.language order by l.language) from agent_languages l where l.agent_id = g.agent_id), '[]') as languages
from agents g
where g.available and g.open_count < g.capacity
