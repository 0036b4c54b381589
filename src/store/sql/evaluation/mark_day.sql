insert into rolled_days (day, rolled_at)
values ($1, $2)
on conflict (day) do update set rolled_at = excluded.rolled_at
