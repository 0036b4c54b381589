-- Each is counted up to a bound, by an index.
select (select count(*) from (select 1 from alerts where state = 'open' limit $1) o) as open_count,
       (select count(*) from (select 1 from alerts where claimed_by is not null and claimed_until > $2 limit $1) c) as claimed_count,
       (select count(*) from (select 1 from alerts where state = 'escalated' limit $1) e) as escalated_count,
       (select count(*) from (select 1 from alerts where state = 'decided' limit $1) d) as decided_count
