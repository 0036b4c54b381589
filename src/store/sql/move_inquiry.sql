-- Where an inquiry stands after a change of who has it, and what is known of its need. $7: what ended before that generation excludes
-- nobody any more.
update inquiries
set status = $2, reason = $3, corrected_skill = coalesce($4, corrected_skill), generation = $5, decided_at = $6,
    asked_from = coalesce($7, asked_from)
where inquiry_id = $1
