-- What reviewers decided about the messages that are kept of those that only one side would report.
select d.live, d.shadow, d.policy, d.side, count(*) as kept,
       count(case when a.ruling = 'violation' and a.ruled_policy = d.policy then 1 end) as violations,
       count(case when a.ruling = 'not_violation' or a.ruling = 'violation' and a.ruled_policy <> d.policy then 1 end) as others,
       count(case when a.ruling = 'unsure' then 1 end) as unsure
from shadow_differences d
left join alerts a on a.message_id = d.message_id and a.policy = d.policy
where d.judged_at >= $1 and d.judged_at < $2
group by d.live, d.shadow, d.policy, d.side
order by d.live, d.shadow, d.policy, d.side
