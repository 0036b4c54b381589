-- Counts the rejections of a body that is known already. One that was replayed is open again, and only then, or when it is
-- new, is there something to tell.
insert into dead_letters (dead_letter_id, queue, body, code, detail, rejections, first_at, last_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (dead_letter_id) do update
set rejections = dead_letters.rejections + excluded.rejections,
    -- The reason of the latest rejection is kept, in whatever order workers come here.
    code = case when dead_letters.last_at > excluded.last_at then dead_letters.code else excluded.code end,
    detail = case when dead_letters.last_at > excluded.last_at then dead_letters.detail else excluded.detail end,
    first_at = case when dead_letters.first_at < excluded.first_at then dead_letters.first_at else excluded.first_at end,
    last_at = case when dead_letters.last_at > excluded.last_at then dead_letters.last_at else excluded.last_at end,
    last_opened = (dead_letters.replayed_at is not null),
    replayed_at = null
returning last_opened, replays
