-- A decision as a whole, in one round trip: where the inquiry stands, who has it ($8, null for nobody), why, and the event.
with decided as (
    update inquiries
    set status = $2, reason = $3, language = $4, skills = $5, model_version = $6, decided_at = $7, generation = $9
    where inquiry_id = $1
),
assigned as (
    insert into assignments (inquiry_id, agent_id, skill, assigned_at, generation, expires_at, customer_id)
    select $1, $8, $10, $7, $9, $11, i.customer_id
    from inquiries i
    where i.inquiry_id = $1 and $8::text is not null
),
recorded as (
    insert into routing_decisions (inquiry_id, decided_at, status, agent_id, explanation)
    values ($1, $7, $2, $8, $12)
),
written as (
    insert into outbox (event_key, target_kind, target_name, outgoing_id, body, headers)
    values ($13, $14, $15, $16, $17, $18)
    returning outbox_id, event_key, target_kind, target_name
)
-- As in insert_events.sql.
insert into webhook_deliveries (endpoint_id, outbox_id, webhook_id, event)
select e.endpoint_id, w.outbox_id, 'msg_' || left(encode(sha256(convert_to(w.event_key, 'UTF8')), 'hex'), 32), w.target_name
from written w
join webhook_endpoints e on w.target_kind = 'event' and e.active and e.events ? w.target_name
