-- A minute that is told a second time, because the answer to the first was lost, counts once.
insert into worker_minutes (minute, queue, worker_id, decided, duplicates, dead_lettered, requeued, alerts,
                            within_1s, within_5s, within_30s, within_2m, within_10m, later)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (minute, queue, worker_id) do nothing
