-- What an agent carried lately is a mean of places in use over time, no longer a count of inquiries: two agents who received as many are
-- not equally busy if those of one take twice as long. See take_agent.sql.
alter table agents add column mean_open double precision not null default 0 check (mean_open >= 0);
alter table agents add column open_changed_at timestamptz;
alter table agents drop column recent;
