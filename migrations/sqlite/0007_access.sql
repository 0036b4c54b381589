-- People, how they come in, and what they did. Secrets stand here as SHA-256 in hexadecimal, passwords as argon2id.

create table accounts (
    account_id integer primary key autoincrement,
    -- Small letters a to z, digits, `.`, `_`, `-`, `@`.
    login text not null unique,
    name text not null,
    role text not null check (role in ('agent', 'lead', 'rule_author', 'model_owner', 'admin')),
    -- ["safety", …], as agents.team has them.
    teams text not null,
    -- Whose inquiries they work on.
    agent_id text references agents (agent_id),
    language text check (language in ('ja', 'en')),
    -- Null until a one-time link was used.
    password_hash text,
    created_at integer not null,
    disabled_at integer
) strict;
-- One agent is one person.
create unique index accounts_agent on accounts (agent_id) where agent_id is not null;

create table sessions (
    secret_hash text not null primary key,
    account_id integer not null references accounts (account_id),
    created_at integer not null,
    last_seen_at integer not null,
    expires_at integer not null
) strict;
create index sessions_account on sessions (account_id);
create index sessions_expired on sessions (expires_at);

create table api_tokens (
    token_id integer primary key autoincrement,
    account_id integer not null references accounts (account_id),
    name text not null,
    secret_hash text not null unique,
    -- ["read_alerts", …]
    scopes text not null,
    created_at integer not null,
    expires_at integer not null,
    last_used_at integer,
    revoked_at integer
) strict;
create index api_tokens_account on api_tokens (account_id);

-- Attempts to log in, counted by account and by address. What was typed as a log-in stands here only as a hash: it may be a password.
create table log_in_attempts (
    attempt_id integer primary key autoincrement,
    -- account:HASH or address:ADDRESS
    counted text not null,
    at integer not null
) strict;
create index log_in_attempts_counted on log_in_attempts (counted, at);
create index log_in_attempts_at on log_in_attempts (at);

create table set_up_links (
    secret_hash text not null primary key,
    -- Whose password it sets; null for the link that makes the first admin.
    account_id integer references accounts (account_id),
    created_at integer not null,
    expires_at integer not null,
    used_at integer
) strict;
create index set_up_links_account on set_up_links (account_id);

-- Who did what, on what, when. Nothing is changed or deleted here.
create table audit_trail (
    audit_id integer primary key autoincrement,
    at integer not null,
    -- Null for the program and for somebody unknown.
    account_id integer references accounts (account_id),
    actor text not null,
    way text not null check (way in ('session', 'token', 'link', 'program', 'nobody')),
    token_id integer references api_tokens (token_id),
    act text not null,
    subject_kind text not null,
    subject_id text not null,
    -- Never the text of a message, a password or a token.
    detail text not null
) strict;
create index audit_trail_subject on audit_trail (subject_kind, subject_id, audit_id desc);
create index audit_trail_actor on audit_trail (actor, audit_id desc);
create index audit_trail_act on audit_trail (act, audit_id desc);

create trigger audit_trail_no_update before update on audit_trail
begin
    select raise(abort, 'the audit trail only grows');
end;
create trigger audit_trail_no_delete before delete on audit_trail
begin
    select raise(abort, 'the audit trail only grows');
end;
