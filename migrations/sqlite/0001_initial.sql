-- The customer-support database. Every time is an integer: microseconds since 1970-01-01T00:00:00Z, so that order holds.
-- JSON is text; a truth value is 0 or 1.

create table messages (
    -- Order of arrival; breaks ties between messages of one transaction with the same time of sending.
    arrival integer primary key autoincrement,
    message_id text not null unique,
    transaction_id text not null,
    sender_id text not null,
    sender_role text not null check (sender_role in ('buyer', 'seller')),
    text text not null,
    sent_at integer not null,
    received_at integer not null default (cast(unixepoch('subsec') * 1000000 as integer))
) strict;
create unique index messages_conversation on messages (transaction_id, sent_at, arrival);

create table verdicts (
    message_id text not null primary key references messages (message_id),
    action text not null check (action in ('none', 'report', 'hide')),
    -- Final probability of every policy: {"harassment": 0.01, …}.
    policies text not null,
    language text not null check (language in ('ja', 'en')),
    rules_version text not null,
    model_version text not null,
    decided_at integer not null
) strict;

create table verdict_labels (
    message_id text not null references verdicts (message_id) on delete cascade,
    position integer not null check (position >= 0),
    policy text not null,
    subtype text,
    score real not null check (score between 0 and 1),
    source text not null,
    -- [{"start": 6, "end": 10, "text": "LINE"}, …], in Unicode scalar values.
    spans text not null,
    primary key (message_id, position)
) strict;

create table alerts (
    alert_id integer primary key autoincrement,
    message_id text not null references verdicts (message_id) on delete cascade,
    policy text not null,
    action text not null check (action in ('report', 'hide')),
    score real not null check (score between 0 and 1),
    sources text not null check (sources in ('rule', 'model', 'rule+model')),
    created_at integer not null,
    unique (message_id, policy)
) strict;
create index alerts_newest on alerts (created_at desc, alert_id desc);

create table agents (
    agent_id text not null primary key,
    name text not null,
    capacity integer not null check (capacity >= 0),
    available integer not null check (available in (0, 1)),
    -- Inquiries in the agent's hands. May exceed a capacity that was lowered later; never grows beyond it.
    open_count integer not null default 0 check (open_count >= 0),
    last_assigned_at integer
) strict;

create table agent_skills (
    agent_id text not null references agents (agent_id) on delete cascade,
    skill text not null,
    proficiency integer not null check (proficiency between 1 and 5),
    primary key (agent_id, skill)
) strict;

create table agent_languages (
    agent_id text not null references agents (agent_id) on delete cascade,
    language text not null check (language in ('ja', 'en')),
    primary key (agent_id, language)
) strict;

create table inquiries (
    inquiry_id text not null primary key,
    customer_id text not null,
    transaction_id text,
    subject text,
    text text not null,
    priority text not null check (priority in ('low', 'normal', 'high', 'urgent')),
    priority_rank integer generated always as
        (case priority when 'urgent' then 3 when 'high' then 2 when 'normal' then 1 else 0 end) stored,
    received_at integer not null,
    language text not null check (language in ('ja', 'en')),
    -- The whole distribution, best first: [{"skill": "shipping", "probability": 0.91}, …].
    skills text not null,
    model_version text not null,
    status text not null check (status in ('waiting', 'triage', 'assigned', 'resolved')),
    reason text not null,
    decided_at integer not null
) strict;
create index inquiries_newest on inquiries (received_at desc, inquiry_id desc);
create index inquiries_waiting on inquiries (priority_rank desc, received_at, inquiry_id) where status = 'waiting';

create table assignments (
    assignment_id integer primary key autoincrement,
    inquiry_id text not null references inquiries (inquiry_id),
    agent_id text not null references agents (agent_id),
    skill text not null,
    assigned_at integer not null,
    resolved_at integer
) strict;
-- At most one live assignment for an inquiry, whatever the program does.
create unique index assignments_live on assignments (inquiry_id) where resolved_at is null;
create index assignments_inquiry on assignments (inquiry_id, assignment_id desc);
create index assignments_agent on assignments (agent_id);

create table outbox (
    outbox_id integer primary key autoincrement,
    -- What the event tells, for instance message.flagged:m-1. Unique, so that nothing is told twice.
    event_key text not null unique,
    target_kind text not null check (target_kind in ('inbound', 'event', 'dead_letter')),
    target_name text not null,
    outgoing_id text not null,
    body blob not null,
    headers text not null,
    created_at integer not null default (cast(unixepoch('subsec') * 1000000 as integer)),
    claimed_until integer,
    published_at integer
) strict;
create index outbox_unpublished on outbox (outbox_id) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;

create table dead_letters (
    dead_letter_id text not null primary key,
    queue text not null check (queue in ('messages', 'inquiries')),
    body blob not null,
    code text not null,
    detail text not null,
    rejections integer not null check (rejections >= 1),
    first_at integer not null,
    last_at integer not null,
    -- Whether the latest rejection opened the dead letter: it was new, or had been replayed.
    last_opened integer not null default 1 check (last_opened in (0, 1)),
    -- How often it was replayed; a rejection after a replay opens it again.
    replays integer not null default 0 check (replays >= 0),
    replayed_at integer
) strict;
create index dead_letters_newest on dead_letters (last_at desc, dead_letter_id desc);
create index dead_letters_open on dead_letters (last_at desc, dead_letter_id desc) where replayed_at is null;
