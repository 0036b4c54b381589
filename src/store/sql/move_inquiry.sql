-- Where an inquiry stands after a change of who has it, and what is known of its need.
update inquiries
set status = $2, reason = $3, corrected_skill = coalesce($4, corrected_skill), generation = $5, decided_at = $6
where inquiry_id = $1
