-- What the API answered to a request with an `Idempotency-Key`: sent again, the request gets the same answer and changes nothing.
-- Kept for a day. Answers to writes hold no text of messages or inquiries.

create table api_answers (
    account_id bigint not null references accounts,
    idempotency_key text not null,
    -- SHA-256 of method, address, If-Match and body, in hexadecimal.
    fingerprint text not null,
    begun_at timestamptz not null,
    -- Null as long as the request is worked on.
    status bigint check (status between 100 and 499),
    content_type text,
    etag text,
    body text,
    primary key (account_id, idempotency_key)
);
create index api_answers_begun on api_answers (begun_at);

-- Lists of inquiries that stand somewhere, newest first.
create index inquiries_status on inquiries (status, received_at desc, inquiry_id desc);
