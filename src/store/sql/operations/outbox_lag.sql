-- Each by the index of what is not published; counted up to a bound.
select (select count(*) from (select 1 from outbox where published_at is null limit $1) waiting) as waiting,
       (select created_at from outbox where published_at is null order by outbox_id limit 1) as oldest_at
