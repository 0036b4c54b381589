-- PostgreSQL adds `for update`; SQLite holds the whole file already.
select status, generation, language, skills, corrected_skill
from inquiries
where inquiry_id = $1
