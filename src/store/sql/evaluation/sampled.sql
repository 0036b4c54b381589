-- A message of a sample; see Ledger::LOCKED.
select a.sample_id, a.position, a.message_id, a.generation, a.claimed_by, a.claimed_until, a.ruling, a.ruled_policy, a.decided_by,
       a.decided_at
from audit_messages a
