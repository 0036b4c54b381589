insert into audit_trail (at, account_id, actor, way, token_id, act, subject_kind, subject_id, detail)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
