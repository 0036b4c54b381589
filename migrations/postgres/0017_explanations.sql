-- What moved the model in a message that raised an alert: worked out after the verdict, beside the work.
create table explanations (
    message_id text not null references verdicts on delete cascade,
    policy text not null,
    -- Heaviest first: [{"message_id": "m-1", "start": 3, "end": 7, "weight": 2.1}, …], in Unicode scalar values. No text.
    parts jsonb not null,
    primary key (message_id, policy)
);
