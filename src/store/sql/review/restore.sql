-- Compare and set: nothing changes if it is so already, by the verdict or by somebody.
update messages
set hidden = false, visibility = visibility + 1
where message_id = $1
  and coalesce(hidden, (select v.action = 'hide' from verdicts v where v.message_id = messages.message_id), false) <> false
returning visibility
