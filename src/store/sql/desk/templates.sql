select template_id, name, language, skill, text, generation, changed_by, changed_at, retired_at
from reply_templates
