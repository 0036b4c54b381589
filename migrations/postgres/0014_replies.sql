-- Agents answer customers: templates, replies, and when somebody was first answered.

create table reply_templates (
    template_id bigint generated always as identity primary key,
    -- What the program brings along is named here, so that it is added once, changed or retired as it may be since.
    starter text unique,
    name text not null,
    language text not null check (language in ('ja', 'en')),
    -- Null for whatever an inquiry needs.
    skill text,
    text text not null,
    -- Fencing: grows with every change. Who changes an older one is refused.
    generation bigint not null default 1,
    changed_by text not null,
    changed_at timestamptz not null,
    retired_at timestamptz
);
create index reply_templates_offered on reply_templates (language, skill, name) where retired_at is null;
create index reply_templates_retired on reply_templates (retired_at desc) where retired_at is not null;

create table replies (
    reply_id bigint generated always as identity primary key,
    inquiry_id text not null references inquiries,
    agent_id text not null references agents,
    -- The log-in of who wrote it.
    replied_by text not null,
    template_id bigint references reply_templates,
    text text not null,
    -- The inquiry was resolved with it.
    resolves boolean not null,
    replied_at timestamptz not null
);
create index replies_inquiry on replies (inquiry_id, reply_id);

-- The first reply, or the resolution if there was none before.
alter table inquiries add column first_response_at timestamptz;
update inquiries set first_response_at = a.ended_at
from assignments a where a.inquiry_id = inquiries.inquiry_id and a.outcome = 'resolved';

-- What a page of inquiries and the page of one read.
create index inquiries_customer on inquiries (customer_id, received_at desc, inquiry_id desc);
create index assignments_resolved on assignments (ended_at desc, inquiry_id desc) where outcome = 'resolved';
create index assignments_resolved_by on assignments (agent_id, ended_at desc, inquiry_id desc) where outcome = 'resolved';
create index agents_team on agents (team) where team is not null;
