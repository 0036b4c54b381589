select fingerprint, status, content_type, etag, body
from api_answers
where account_id = $1 and idempotency_key = $2
