insert into shadow_differences (shadow, live, policy, side, message_id, live_probability, shadow_probability, judged_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (shadow, live, policy, side, message_id) do nothing
