-- Rules that people switch off and on, and what rules find, counted by day.

-- One row for each rule that was ever switched. A rule of the files without a row is on.
create table rule_switches (
    rule_id text primary key,
    is_off integer not null check (is_off in (0, 1)),
    -- Why it is as it is.
    reason text not null,
    switched_by text not null,
    switched_at integer not null,
    -- Fencing: grows with every switching. Who acts on an older one is refused.
    generation integer not null check (generation >= 1)
);
-- What every worker asks again and again.
create index rule_switches_off on rule_switches (rule_id) where is_off;

-- When the finding was made, so that the latest of a rule are found without the verdicts.
alter table verdict_labels add column decided_at integer;
update verdict_labels set decided_at = (select v.decided_at from verdicts v where v.message_id = verdict_labels.message_id);
create index verdict_labels_source on verdict_labels (source, decided_at desc, message_id);

-- Findings of a rule on one day (days since 1970-01-01, UTC). Shards keep workers that write at once out of each other's way; the
-- number of findings is their sum.
create table rule_days (
    day integer not null,
    rule_id text not null,
    -- Whether the rule was in shadow when it found them.
    shadow integer not null check (shadow in (0, 1)),
    shard integer not null,
    findings integer not null,
    primary key (day, rule_id, shadow, shard)
);
create index rule_days_rule on rule_days (rule_id, day);
insert into rule_days (day, rule_id, shadow, shard, findings)
select decided_at / 86400000000, substr(source, 6), 0, 0, count(*)
from verdict_labels
where source like 'rule:%'
group by 1, 2;

-- What rules in shadow found lately; it decides nothing. Deleted after a while: the days stay.
create table shadow_findings (
    message_id text not null references verdicts on delete cascade,
    rule_id text not null,
    policy text not null,
    decided_at integer not null,
    primary key (message_id, rule_id)
);
create index shadow_findings_rule on shadow_findings (rule_id, decided_at desc, message_id);
create index shadow_findings_old on shadow_findings (decided_at);
