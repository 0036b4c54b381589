select delivery_id, attempt, at, took_ms, status, failure
from webhook_attempts
