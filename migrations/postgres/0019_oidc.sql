-- Log-in by OpenID Connect: who the people here are to their provider, and who is on the way there and back.

create table account_identities (
    -- The provider as it calls itself, and what it calls somebody: for good, and for one person only.
    issuer text not null,
    subject text not null,
    account_id bigint not null references accounts,
    bound_at timestamptz not null,
    primary key (issuer, subject),
    -- Nobody is two people to one provider.
    unique (account_id, issuer)
);

-- A row goes with who comes back, so that nobody comes back twice.
create table log_in_detours (
    -- Of what the browser holds until then.
    secret_hash text primary key,
    -- The page that was asked for.
    page text,
    -- As what the attempt counts in log_in_attempts, where it may be forgotten meanwhile.
    attempt_id bigint not null,
    expires_at timestamptz not null
);
create index log_in_detours_expired on log_in_detours (expires_at);
