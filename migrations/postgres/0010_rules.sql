-- Rules that people switch off and on, and what rules find, counted by day.

-- One row for each rule that was ever switched. A rule of the files without a row is on.
create table rule_switches (
    rule_id text primary key,
    is_off boolean not null,
    -- Why it is as it is.
    reason text not null,
    switched_by text not null,
    switched_at timestamptz not null,
    -- Fencing: grows with every switching. Who acts on an older one is refused.
    generation bigint not null check (generation >= 1)
);
-- What every worker asks again and again.
create index rule_switches_off on rule_switches (rule_id) where is_off;

-- When the finding was made, so that the latest of a rule are found without the verdicts.
alter table verdict_labels add column decided_at timestamptz;
update verdict_labels l set decided_at = v.decided_at from verdicts v where v.message_id = l.message_id;
create index verdict_labels_source on verdict_labels (source, decided_at desc, message_id);

-- Findings of a rule on one day (days since 1970-01-01, UTC). Shards keep workers that write at once out of each other's way; the
-- number of findings is their sum.
create table rule_days (
    day bigint not null,
    rule_id text not null,
    -- Whether the rule was in shadow when it found them.
    shadow boolean not null,
    shard bigint not null,
    findings bigint not null,
    primary key (day, rule_id, shadow, shard)
);
create index rule_days_rule on rule_days (rule_id, day);
insert into rule_days (day, rule_id, shadow, shard, findings)
select cast(floor(extract(epoch from decided_at) / 86400) as bigint), substr(source, 6), false, 0, count(*)
from verdict_labels
where source like 'rule:%'
group by 1, 2;

-- What rules in shadow found lately; it decides nothing. Deleted after a while: the days stay.
create table shadow_findings (
    message_id text not null references verdicts on delete cascade,
    rule_id text not null,
    policy text not null,
    decided_at timestamptz not null,
    primary key (message_id, rule_id)
);
create index shadow_findings_rule on shadow_findings (rule_id, decided_at desc, message_id);
create index shadow_findings_old on shadow_findings (decided_at);
