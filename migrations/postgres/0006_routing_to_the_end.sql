-- Only what ended in a later generation than this keeps an agent from the inquiry: a person who says what it needs lifts what was before.
alter table inquiries add column asked_from bigint not null default 0;
-- How it came, and how many places it takes with its agent, by the configuration of that time.
alter table inquiries add column channel text not null default 'mail';
alter table inquiries add column weight bigint not null default 1 check (weight >= 1);
-- Who asked, so that who knows a customer is found without the customer's inquiries; see preferred.sql.
alter table assignments add column customer_id text;
update assignments a set customer_id = i.customer_id from inquiries i where i.inquiry_id = a.inquiry_id;
alter table assignments alter column customer_id set not null;

create index assignments_open_matter on assignments (customer_id, assigned_at desc, assignment_id desc) where ended_at is null;
create index assignments_finished on assignments (customer_id, ended_at desc, assignment_id desc) where outcome = 'resolved';
drop index inquiries_customer;
-- What waits beyond the heads of the desks is looked at in turn; see waiting.sql.
create index inquiries_rotation on inquiries (inquiry_id) where status = 'waiting';
