select audit_id, at, account_id, actor, way, token_id, act, subject_kind, subject_id, detail
from audit_trail
where audit_id < $1
    and (cast($2 as text) is null or actor = $2)
    and (cast($3 as text) is null or act = $3)
    and (cast($4 as text) is null or subject_kind = $4)
    and (cast($5 as text) is null or subject_id = $5)
order by audit_id desc
limit $6
