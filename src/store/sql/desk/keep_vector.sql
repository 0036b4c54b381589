-- An inquiry that could not be stored is a dead letter: its vector goes nowhere.
insert into inquiry_vectors (inquiry_id, version, vector)
select i.inquiry_id, $2, $3
from inquiries i
where i.inquiry_id = $1
on conflict (inquiry_id) do nothing
