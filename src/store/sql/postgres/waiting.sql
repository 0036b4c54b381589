-- By priority, then by age. When more wait than one tick takes up, every language and desk takes its turn, so that many who wait for a
-- desk without people do not keep the others from theirs. Each desk's turns are read from the index inquiries_turns, as far as needed.
from (
    select turns.inquiry_id, turns.turn, turns.priority_rank, turns.received_at
    from unnest($2::text[]) as spoken (language)
    cross join unnest($3::text[]) as desk (skill)
    cross join lateral (
        select i.inquiry_id, i.priority_rank, i.received_at,
            row_number() over (order by i.priority_rank desc, i.received_at, i.inquiry_id) as turn
        from inquiries i
        where i.status = 'waiting' and i.language = spoken.language
          and coalesce(i.corrected_skill, i.skills #>> '{0,skill}', 'other') = desk.skill
        order by i.priority_rank desc, i.received_at, i.inquiry_id
        limit $1
    ) turns
    order by turns.turn, turns.priority_rank desc, turns.received_at, turns.inquiry_id
    limit $1
) taken
join inquiries i on i.inquiry_id = taken.inquiry_id
order by i.priority_rank desc, i.received_at, i.inquiry_id
