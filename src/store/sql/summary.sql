-- One statement, so that all counts are of one moment.
select 'messages' as counted, '' as name, '' as detail, count(*) as count from messages
union all
select 'verdicts', action, '', count(*) from verdicts group by action
union all
select 'alerts', policy, sources, count(*) from alerts group by policy, sources
union all
select 'inquiries', status, '', count(*) from inquiries group by status
union all
select 'skills', best.skill, '', count(*)
from (select skills -> 0 ->> 'skill' as skill from inquiries) best
where best.skill is not null
group by best.skill
union all
select 'agents', a.agent_id, g.name, count(*)
from assignments a
join agents g on g.agent_id = a.agent_id
where a.ended_at is null or a.outcome = 'resolved'
group by a.agent_id, g.name
union all
select 'dead_letters', '', '', count(*) from dead_letters where replayed_at is null
union all
select 'outbox', '', '', count(*) from outbox where published_at is null
