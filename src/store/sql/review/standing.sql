-- How an alert stands, for a change; see Ledger::LOCKED.
select a.alert_id, a.policy, a.state, a.generation, a.claimed_by, a.claimed_until, a.ruling, a.ruled_policy, a.decided_by, a.decided_at,
       a.message_id, a.sender_id, a.text_key, m.transaction_id
from alerts a
join messages m on m.message_id = a.message_id
