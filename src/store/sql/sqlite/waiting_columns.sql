-- An inquiry that waits, as a tick needs it. What follows says which; see waiting.sql, waiting_in_turn.sql.
select i.inquiry_id, i.customer_id, i.text, i.received_at, i.subject, i.transaction_id, i.priority, i.channel, i.weight, i.language, i.skills, i.model_version,
    i.generation, i.decided_at, i.corrected_skill,
    (select json_group_array(distinct a.agent_id) from assignments a
     where a.inquiry_id = i.inquiry_id and a.outcome = 'rejected' and a.generation > i.asked_from) as rejected_by,
    (select json_group_object(late.agent_id, late.ended) from (
        select a.agent_id, max(a.ended_at) as ended from assignments a
        where a.inquiry_id = i.inquiry_id and a.outcome in ('expired', 'withdrawn') and a.generation > i.asked_from
        group by a.agent_id) late) as set_aside
