-- The first and the last number of arrival.
select coalesce((select arrival from messages order by arrival limit 1), 0) as first,
       coalesce((select arrival from messages order by arrival desc limit 1), -1) as last
