-- Agents answer customers: templates, replies, and when somebody was first answered.

create table reply_templates (
    template_id integer primary key autoincrement,
    -- What the program brings along is named here, so that it is added once, changed or retired as it may be since.
    starter text unique,
    name text not null,
    language text not null check (language in ('ja', 'en')),
    -- Null for whatever an inquiry needs.
    skill text,
    text text not null,
    -- Fencing: grows with every change. Who changes an older one is refused.
    generation integer not null default 1,
    changed_by text not null,
    changed_at integer not null,
    retired_at integer
) strict;
create index reply_templates_offered on reply_templates (language, skill, name) where retired_at is null;
create index reply_templates_retired on reply_templates (retired_at desc) where retired_at is not null;

create table replies (
    reply_id integer primary key autoincrement,
    inquiry_id text not null references inquiries (inquiry_id),
    agent_id text not null references agents (agent_id),
    -- The log-in of who wrote it.
    replied_by text not null,
    template_id integer references reply_templates (template_id),
    text text not null,
    -- The inquiry was resolved with it.
    resolves integer not null check (resolves in (0, 1)),
    replied_at integer not null
) strict;
create index replies_inquiry on replies (inquiry_id, reply_id);

-- The first reply, or the resolution if there was none before.
alter table inquiries add column first_response_at integer;
update inquiries set first_response_at =
    (select max(a.ended_at) from assignments a where a.inquiry_id = inquiries.inquiry_id and a.outcome = 'resolved');

-- What a page of inquiries and the page of one read.
create index inquiries_customer on inquiries (customer_id, received_at desc, inquiry_id desc);
create index assignments_resolved on assignments (ended_at desc, inquiry_id desc) where outcome = 'resolved';
create index assignments_resolved_by on assignments (agent_id, ended_at desc, inquiry_id desc) where outcome = 'resolved';
create index agents_team on agents (team) where team is not null;
