insert into shadow_counts (day, live, shadow, policy, agreed_flagged, agreed_clear, only_live, only_shadow)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (day, live, shadow, policy) do update
set agreed_flagged = shadow_counts.agreed_flagged + excluded.agreed_flagged,
    agreed_clear = shadow_counts.agreed_clear + excluded.agreed_clear,
    only_live = shadow_counts.only_live + excluded.only_live,
    only_shadow = shadow_counts.only_shadow + excluded.only_shadow
returning only_live, only_shadow
