//! What a tick asks of the database when much waits: every plan reads by an index.

use mimamori::access::Sight;
use mimamori::contract::{AgentId, InquiryId, Language, Policy, Skill};
use mimamori::store::AlertSources;
use mimamori::store::desk::{self, DeskListing, DeskView};
use mimamori::store::evaluation::counted;
use mimamori::store::review::{Cursor, Direction, Listing, View, statement};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};

use crate::support::database::Fresh;

/// 10,000 inquiries wait, 5,000 are held, 40,000 are done; of 2,000 agents 1,250 are full, 500 away and 250 have a free place.
const SITUATION: &str = "
    insert into webhook_endpoints (url, events, active, secret, created_by, created_at, deleted_at)
    select 'https://hooks.example/' || n, '[\"inquiry.assigned\"]', n <= 10, '', 'root', now(), case when n > 10 then now() end
    from generate_series(1, 2000) n;
    insert into agents (agent_id, name, capacity, available, open_count, away_since)
    select 'a-' || n, 'Agent', 4, n % 4 <> 0, case when n % 8 = 1 then 1 else 4 end, case when n % 4 = 0 then now() end
    from generate_series(1, 2000) n;
    insert into agent_skills (agent_id, skill, proficiency)
    select 'a-' || n, (array[SKILLS])[1 + (n * k) % 13], 1 + n % 5
    from generate_series(1, 2000) n, generate_series(1, 3) k on conflict do nothing;
    insert into agent_languages (agent_id, language)
    select 'a-' || n, language from generate_series(1, 2000) n, unnest(array['ja', 'en']) language
    where language = 'ja' or n % 3 = 0;
    insert into inquiries (inquiry_id, customer_id, transaction_id, text, priority, received_at, language, skills, model_version,
                           status, reason, decided_at, generation, corrected_skill)
    select 'q-' || n, 'u-' || n, 't-' || n, repeat('商品が届きません。', 20), (array['low', 'normal', 'normal', 'high'])[1 + n % 4],
           timestamptz '2026-11-01' + n * interval '10 seconds', case when n % 5 = 0 then 'en' else 'ja' end,
           jsonb_build_array(jsonb_build_object('skill', (array[SKILLS])[1 + n % 13], 'probability', 0.9),
                             jsonb_build_object('skill', 'other', 'probability', 0.1)), 'm1',
           case when n % 11 in (0, 5) then 'waiting' when n % 11 = 1 then 'assigned' else 'resolved' end, 'reason', now(),
           case when n % 11 = 5 then 0 else 1 end, case when n % 110 = 0 then 'payment' end
    from generate_series(1, 55000) n;
    insert into assignments (inquiry_id, agent_id, skill, assigned_at, generation, expires_at, accepted_at, ended_at, outcome, ended_by,
                             customer_id)
    select 'q-' || n, 'a-' || (1 + n % 2000), (array[SKILLS])[1 + n % 13], now(), 1,
           case when n % 11 = 1 and n % 3 = 0 then now() + (n % 600) * interval '1 second' end,
           case when n % 11 = 1 and n % 2 = 0 then now() end,
           case when n % 11 <> 1 then timestamptz '2026-11-01' + n * interval '10 seconds' end,
           case when n % 11 = 1 then null when n % 11 = 0 then 'rejected' else 'resolved' end,
           case when n % 11 <> 1 then 'a-' || (1 + n % 2000) end, 'u-' || n
    from generate_series(1, 55000) n where n % 11 <> 5;
    insert into messages (message_id, transaction_id, sender_id, sender_role, text, sent_at)
    select 'm-' || n, 't-' || n, 'u-1', 'seller', 'text', now() from generate_series(1, 55000) n;
    insert into verdicts (message_id, action, policies, language, rules_version, model_version, decided_at)
    select 'm-' || n, 'report', '{}', 'ja', 'r1', 'm1', now() from generate_series(1, 55000, 20) n;
    insert into alerts (message_id, policy, action, score, sources, created_at, queue_time, sender_id)
    select 'm-' || n, 'harassment', 'report', 0.9, 'rule', now(), now(), 'u-1' from generate_series(1, 55000, 20) n;
";

/// Name, statement, types of its arguments, arguments.
type Asked = (&'static str, String, &'static str, String);

/// Everything that a tick reads, and what a commit or a sweep then finds its rows by.
fn asked() -> Vec<Asked> {
    let list = |names: Vec<&str>| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let languages = list(Language::ALL.map(Language::as_str).to_vec());
    let skills = list(Skill::ALL.map(Skill::as_str).to_vec());
    let transactions = (1..=500).map(|n| format!("'t-{}'", n * 11)).collect::<Vec<_>>().join(", ");
    let customers = (1..=500).map(|n| format!("'u-{}'", n * 7)).collect::<Vec<_>>().join(", ");
    let sql = |text: &str| text.to_owned();
    vec![
        (
            "waiting",
            sql(concat!(
                include_str!("../../src/store/sql/postgres/waiting_columns.sql"),
                include_str!("../../src/store/sql/postgres/waiting.sql")
            )),
            "bigint, text[], text[]",
            format!("500, array[{languages}], array[{skills}]"),
        ),
        (
            "waiting in turn",
            sql(concat!(
                include_str!("../../src/store/sql/postgres/waiting_columns.sql"),
                include_str!("../../src/store/sql/postgres/waiting_in_turn.sql")
            )),
            "bigint, text",
            sql("125, 'q-3000'"),
        ),
        (
            "expired",
            sql(include_str!("../../src/store/sql/expired.sql")),
            "timestamptz, bigint",
            sql("now(), 200"),
        ),
        (
            "untouched",
            sql(include_str!("../../src/store/sql/untouched.sql")),
            "timestamptz, bigint",
            sql("now() - interval '2 minutes', 200"),
        ),
        ("free agents", sql(include_str!("../../src/store/sql/postgres/free_agents.sql")), "", String::new()),
        ("other agents", sql(include_str!("../../src/store/sql/other_agents.sql")), "", String::new()),
        (
            "alerted",
            sql(include_str!("../../src/store/sql/postgres/alerted.sql")),
            "text[]",
            format!("array[{transactions}]"),
        ),
        (
            "preferred",
            sql(include_str!("../../src/store/sql/postgres/preferred.sql")),
            "text[], timestamptz",
            format!("array[{customers}], now() - interval '30 days'"),
        ),
        (
            "lock",
            sql(include_str!("../../src/store/sql/lock_inquiry.sql")) + "for update",
            "text",
            sql("'q-5'"),
        ),
        ("live", sql(include_str!("../../src/store/sql/live_assignment.sql")), "text", sql("'q-1'")),
        (
            "take",
            sql(include_str!("../../src/store/sql/postgres/take_agent.sql")),
            "text, text, text, timestamptz, double precision, text, boolean, bigint",
            sql("'a-9', 'payment', 'ja', now(), 3600, 'q-11', false, null"),
        ),
        (
            "decide",
            sql(include_str!("../../src/store/sql/postgres/decide.sql")),
            "text, text, text, text, jsonb, text, timestamptz, text, bigint, text, timestamptz, jsonb, text, text, text, text, bytea, jsonb",
            sql(
                "'q-5', 'assigned', '', 'ja', '[]', 'm1', now(), 'a-9', 1, 'payment', null, '{}', 'k', 'event', 'n', 'k', '', '{}'",
            ),
        ),
        (
            "end",
            sql(include_str!("../../src/store/sql/end_assignment.sql")),
            "text, text, bigint, timestamptz, text, text, text",
            sql("'q-1', 'a-2', 1, now(), 'expired', null, 'router'"),
        ),
        (
            "free",
            sql(include_str!("../../src/store/sql/postgres/free_agent.sql")),
            "text, text, timestamptz, double precision",
            sql("'a-2', 'q-1', now(), 3600"),
        ),
        (
            "ended counts",
            sql(include_str!("../../src/store/sql/ended_counts.sql")),
            "timestamptz",
            sql("timestamptz '2026-11-07'"),
        ),
        ("held by", sql(include_str!("../../src/store/sql/held_by.sql")), "text", sql("'a-2'")),
    ]
}

/// The filters of the queue, and what a page and a decision read beside it.
fn asked_by_reviewers() -> Vec<Asked> {
    let listing = Listing {
        view: View::Open,
        policy: None,
        sources: None,
        mine: None,
        from: Some(Cursor { time: chrono::DateTime::UNIX_EPOCH, alert_id: 0 }),
        direction: Direction::Forward,
        limit: 26,
        at: chrono::DateTime::UNIX_EPOCH,
    };
    let policy = Some(Policy::new("harassment"));
    let sources = Some(AlertSources::Rule);
    let cursor = "timestamptz '2026-11-03', 1000, 26";
    let plain = |view| Listing { view, ..listing.clone() };
    let list = |name, wanted: &Listing, types: &'static str, values: String| {
        (name, statement(wanted), types, values)
    };
    let sql = |text: &str| text.to_owned();
    let own_standing = sql(include_str!("../../src/store/sql/review/standing.sql"));
    vec![
        list("open", &plain(View::Open), "timestamptz, bigint, bigint", sql(cursor)),
        list("first page", &Listing { from: None, ..listing.clone() }, "bigint", sql("26")),
        list(
            "back",
            &Listing { direction: Direction::Backward, ..listing.clone() },
            "timestamptz, bigint, bigint",
            sql(cursor),
        ),
        list("escalated", &plain(View::Escalated), "timestamptz, bigint, bigint", sql(cursor)),
        list(
            "claimed",
            &plain(View::Claimed),
            "timestamptz, timestamptz, bigint, bigint",
            format!("timestamptz '2026-11-21', {cursor}"),
        ),
        list("decided", &plain(View::Decided), "timestamptz, bigint, bigint", sql(cursor)),
        list(
            "decided by me",
            &Listing { view: View::Decided, mine: Some("aki".into()), ..listing.clone() },
            "text, timestamptz, bigint, bigint",
            format!("'aki', {cursor}"),
        ),
        list(
            "by policy and sources",
            &Listing { policy, sources, ..listing.clone() },
            "text, text, timestamptz, bigint, bigint",
            format!("'harassment', 'rule', {cursor}"),
        ),
        (
            "counts",
            sql(include_str!("../../src/store/sql/review/counts.sql")),
            "bigint, timestamptz",
            sql("1000, now()"),
        ),
        (
            "alike",
            sql(include_str!("../../src/store/sql/review/alike.sql")),
            "text, text, bigint, text, bigint",
            sql("'k-7', 'harassment', 7, 'open', 500"),
        ),
        (
            "alike to decide",
            own_standing.clone()
                + include_str!("../../src/store/sql/review/alike_standing.sql")
                + "\nfor no key update of a skip locked",
            "text, text, bigint, bigint, text, timestamptz, text, bigint",
            sql("'k-7', 'harassment', 7, 100000, 'open', now(), 'aki', 500"),
        ),
        (
            "lock an alert",
            own_standing + "where a.alert_id = $1\nfor no key update of a",
            "bigint",
            sql("77"),
        ),
        (
            "before",
            sql(include_str!("../../src/store/sql/review/said_before.sql")),
            "text, bigint",
            sql("'m-7', 22"),
        ),
        (
            "after",
            sql(include_str!("../../src/store/sql/review/said_after.sql")),
            "text, bigint",
            sql("'m-7', 21"),
        ),
        (
            "of the sender",
            sql(include_str!("../../src/store/sql/review/alert.sql"))
                + "where a.sender_id = $1 and a.alert_id <> $2\norder by a.created_at desc, a.alert_id desc\nlimit $3",
            "text, bigint, bigint",
            sql("'u-7', 7, 20"),
        ),
        (
            "trail",
            sql(include_str!("../../src/store/sql/review/trail_of.sql")),
            "bigint, bigint",
            sql("7, 100"),
        ),
        (
            "last decision",
            sql(include_str!("../../src/store/sql/review/last_decision.sql")),
            "text",
            sql("'aki'"),
        ),
        ("batch", sql(include_str!("../../src/store/sql/review/batch.sql")), "text", sql("'b-7'")),
    ]
}

/// What the room of evaluation reads, and how a message of a sample is found.
fn asked_by_evaluation() -> Vec<Asked> {
    let sql = |text: &str| text.to_owned();
    let day = ("cast(floor(date_part('epoch', ", ") / 86400) as bigint)");
    let listed = "in (select cast(value as bigint) from jsonb_array_elements_text($1) value)";
    let period = || sql("timestamptz '2026-11-01 05:00', timestamptz '2026-11-01 05:20'");
    let times = "timestamptz, timestamptz";
    let numbers: Vec<String> = (1..=500).map(|n| (n * 71).to_string()).collect();
    let numbers = format!("'[{}]'", numbers.join(", "));
    let sampled = sql(include_str!("../../src/store/sql/evaluation/sampled.sql"));
    vec![
        ("alerts by day", counted(day, false), times, period()),
        ("judged by day", counted(day, true), times, period()),
        (
            "fill a day",
            sql(include_str!("../../src/store/sql/evaluation/fill_day.sql")),
            "bigint, timestamptz, timestamptz",
            format!("20000, {}", period()),
        ),
        (
            "next number",
            sql(include_str!("../../src/store/sql/evaluation/next_number.sql")),
            "bigint",
            sql("30000"),
        ),
        (
            "pool",
            include_str!("../../src/store/sql/evaluation/pool.sql").replace("LISTED", listed),
            "jsonb",
            numbers.clone(),
        ),
        (
            "flagged",
            include_str!("../../src/store/sql/evaluation/flagged.sql").replace("LISTED", listed),
            "jsonb",
            numbers,
        ),
        (
            "alert numbers",
            sql(include_str!("../../src/store/sql/evaluation/alert_numbers.sql")),
            times,
            period(),
        ),
        ("found", sql(include_str!("../../src/store/sql/evaluation/found.sql")), times, period()),
        (
            "next of a sample",
            sampled.clone()
                + "where a.ruling is null and (a.claimed_until is null or a.claimed_until <= $1)\norder by a.sample_id, a.position\nlimit 1\nfor no key update of a skip locked",
            "timestamptz",
            sql("now()"),
        ),
        (
            "own of a sample",
            sampled.clone()
                + "where a.claimed_by = $1 and a.ruling is null\norder by a.sample_id, a.position\nlimit 1",
            "text",
            sql("'aki'"),
        ),
        (
            "last judgement",
            sampled
                + "where a.decided_by = $1 and a.decided_at >= $2 and a.ruling is not null\norder by a.decided_at desc\nlimit 1",
            "text, timestamptz",
            sql("'r-3', now() - interval '5 minutes'"),
        ),
        (
            "judgements",
            sql(include_str!("../../src/store/sql/evaluation/judgements.sql")),
            "bigint",
            sql("3"),
        ),
        (
            "missed",
            sql(include_str!("../../src/store/sql/evaluation/missed.sql")),
            "bigint, bigint",
            sql("3, 100"),
        ),
    ]
}

/// What the pages of operations and models read.
fn asked_by_operators() -> Vec<Asked> {
    let sql = |text: &str| text.to_owned();
    let times = "timestamptz, timestamptz";
    let hours = "timestamptz '2026-11-20 21:00+00', timestamptz '2026-11-21 00:00+00'";
    let week = "timestamptz '2026-11-20', timestamptz '2026-11-21'";
    vec![
        ("workers", sql(include_str!("../../src/store/sql/operations/workers.sql")), "bigint", sql("200")),
        ("minutes", sql(include_str!("../../src/store/sql/operations/minutes.sql")), times, sql(hours)),
        (
            "outbox",
            sql(include_str!("../../src/store/sql/operations/outbox_lag.sql")),
            "bigint",
            sql("10000"),
        ),
        (
            "counts",
            sql(include_str!("../../src/store/sql/shadow/counts.sql")),
            "timestamptz, timestamptz, bigint",
            format!("{week}, 100"),
        ),
        ("rulings", sql(include_str!("../../src/store/sql/shadow/rulings.sql")), times, sql(week)),
        (
            "differences",
            sql(include_str!("../../src/store/sql/shadow/differences.sql")),
            "text, text, text, text, bigint, bigint",
            sql("'s-1', 'l', 'harassment', 'live', 26, 0"),
        ),
    ]
}

/// Thirty samples of a thousand messages; the last three are not judged.
const SAMPLES: &str = "
    insert into audit_samples (drawn_at, drawn_by, from_at, to_at, seed, numbers, asked, pool, strata)
    select now(), 'lead', now(), now(), 1, 40000, 1000, 1000, '[]' from generate_series(1, 30);
    insert into audit_messages (sample_id, position, message_id, stratum, ruling, ruled_policy, decided_by, decided_at)
    select s, n, 'm-' || s * 1000 + n, n % 4, case when s < 28 then case when n % 50 = 0 then 'violation' else 'not_violation' end end,
           case when s < 28 and n % 50 = 0 then 'harassment' end, case when s < 28 then 'r-' || n % 20 end,
           case when s < 28 then timestamptz '2026-11-01' + s * interval '1 hour' + n * interval '1 second' end
    from generate_series(1, 30) s, generate_series(1, 1000) n;
    analyze audit_samples; analyze audit_messages;
";

/// Two days of 20 workers, a year of five shadows, and an outbox that is published but for a few.
const OPERATIONS: &str = "
    insert into workers (worker_id, name, state, program, rules_version, models, queues, started_at, last_seen_at, every_ms)
    select 'w-' || n, 'w', 'stopped', '1', 'r', '{}', '[]', now(), timestamptz '2026-11-21' - n * interval '1 minute', 5000
    from generate_series(1, 5000) n;
    insert into worker_minutes (minute, queue, worker_id, decided, duplicates, dead_lettered, requeued, alerts, within_1s, within_5s,
                                within_30s, within_2m, within_10m, later)
    select timestamptz '2026-11-19' + n * interval '1 minute', q, 'w-' || w, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0
    from generate_series(1, 2880) n, generate_series(1, 20) w, unnest(array['messages', 'inquiries']) q;
    insert into outbox (event_key, target_kind, target_name, outgoing_id, body, headers, published_at)
    select 'k-' || n, 'event', 'e', 'k-' || n, '', '{}', case when n % 10000 <> 0 then now() end from generate_series(1, 100000) n;
    insert into shadow_counts (day, live, shadow, policy, agreed_flagged, agreed_clear, only_live, only_shadow)
    select timestamptz '2025-11-21' + n * interval '1 day', 'l', 's-' || s, p, 1, 1, 1, 1
    from generate_series(1, 366) n, generate_series(1, 5) s, unnest(array['harassment', 'external_induction']) p;
    insert into shadow_differences (shadow, live, policy, side, message_id, live_probability, shadow_probability, judged_at)
    select 's-' || n % 5, 'l', 'harassment', case when n % 2 = 0 then 'live' else 'shadow' end, 'm-' || n, 0.9, 0.1,
           timestamptz '2026-10-22' + n * interval '1 minute'
    from generate_series(1, 40000) n;
    vacuum (analyze) workers; vacuum (analyze) worker_minutes; vacuum (analyze) outbox; vacuum (analyze) shadow_counts;
    vacuum (analyze) shadow_differences;
";

/// No query of an operator reads a table from its beginning to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_of_an_operator_reads_by_an_index() {
    let fresh = Fresh::postgres().await;
    fresh.migrated().await;
    let mut connection = PgConnection::connect(fresh.url()).await.unwrap();
    fill(&mut connection, 40_000, 2).await;
    for statement in OPERATIONS.split(';').filter(|statement| !statement.trim().is_empty()) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    }
    check(&mut connection, &asked_by_operators).await;
}

/// So many alerts, half of them decided, some escalated or claimed, and what was done with them.
pub const REVIEWS: &str = "
    insert into messages (message_id, transaction_id, sender_id, sender_role, text, sent_at)
    select 'm-' || n, 't-' || n / 8, 'u-' || n % 5000, 'seller', 'よろしければLINEで ' || n, timestamptz '2026-11-01' + n * interval '1 second'
    from generate_series(1, ALERTS) n;
    insert into verdicts (message_id, action, policies, language, rules_version, model_version, decided_at)
    select 'm-' || n, 'report', '{}', 'ja', 'r1', 'm1', now() from generate_series(1, ALERTS) n;
    insert into verdict_labels (message_id, position, policy, score, source, spans, decided_at)
    select 'm-' || n, p, 'harassment', 0.9, case p when 0 then 'rule:harassment/threat' else 'model:harassment@1' end,
           '[{\"start\": 7, \"end\": 11, \"text\": \"LINE\"}]', timestamptz '2026-11-01' + n * interval '1 second'
    from generate_series(1, ALERTS) n, generate_series(0, 1) p;
    insert into alerts (message_id, policy, action, score, sources, created_at, queue_time, sender_id, text_key, state, generation,
                        claimed_by, claimed_until, ruling, ruled_policy, decided_by, decided_at)
    select 'm-' || n, case when n % 3 = 0 then 'external_induction' else 'harassment' end, 'report', 0.9,
           (array['rule', 'model', 'rule+model'])[1 + n % 3], moment, moment - (n % 977) * interval '31 seconds', 'u-' || n % 5000,
           'k-' || n / 4, state, n % 5, case when state = 'open' and n % 500 = 3 then 'aki' end,
           case when state = 'open' and n % 500 = 3 then moment + interval '20 days' end,
           case when state = 'decided' then 'violation' end, case when state = 'decided' then 'harassment' end,
           case when state = 'decided' then 'r-' || n % 20 end, case when state = 'decided' then moment + interval '1 hour' end
    from (
        select n, timestamptz '2026-11-01' + n * interval '1 second' as moment,
               case when n % DECIDED = 0 then 'decided' when n % 50 = 1 then 'escalated' else 'open' end as state
        from generate_series(1, ALERTS) n
    ) given;
    insert into alert_trail (alert_id, at, reviewer, act, generation, state_before, batch, ruling)
    select alert_id, decided_at, decided_by, 'decided', generation, 'open', 'b-' || alert_id, 'violation' from alerts
    where state = 'decided';
    vacuum (analyze) alerts; vacuum (analyze) messages; vacuum (analyze) verdicts; vacuum (analyze) verdict_labels;
    vacuum (analyze) alert_trail;
";

/// Runs the statements one by one: a vacuum takes no company.
pub async fn fill(connection: &mut PgConnection, alerts: u32, decided: u32) {
    let whole = REVIEWS.replace("ALERTS", &alerts.to_string()).replace("DECIDED", &decided.to_string());
    for statement in whole.split(';').filter(|statement| !statement.trim().is_empty()) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut *connection).await.unwrap();
    }
}

/// 40,000 alerts, half of them decided: no query of a reviewer reads a table from its beginning to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_of_a_reviewer_reads_by_an_index() {
    let fresh = Fresh::postgres().await;
    fresh.migrated().await;
    let mut connection = PgConnection::connect(fresh.url()).await.unwrap();
    fill(&mut connection, 40_000, 2).await;
    check(&mut connection, &asked_by_reviewers).await;
}

/// 10,000 open inquiries and 2,000 agents: no query of a tick reads a table from its beginning to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_of_a_tick_reads_by_an_index() {
    let fresh = Fresh::postgres().await;
    fresh.migrated().await;
    let mut connection = PgConnection::connect(fresh.url()).await.unwrap();
    let skills = Skill::ALL.map(|skill| format!("'{skill}'")).join(", ");
    sqlx::raw_sql(AssertSqlSafe(SITUATION.replace("SKILLS", &skills)))
        .execute(&mut connection)
        .await
        .unwrap();
    // As autovacuum does after so much was written.
    for table in [
        "agents",
        "agent_skills",
        "agent_languages",
        "inquiries",
        "assignments",
        "messages",
        "alerts",
        "webhook_endpoints",
    ] {
        sqlx::raw_sql(AssertSqlSafe(format!("vacuum (analyze) {table}")))
            .execute(&mut connection)
            .await
            .unwrap();
    }
    check(&mut connection, &asked).await;
}

/// A year of 100 rules, of which every day eight workers wrote, and what rules in shadow found.
const FOUND: &str = "
    insert into rule_days (day, rule_id, shadow, shard, findings)
    select 20000 + d, 'p/r-' || r, r % 10 = 0, s, 100 + r from generate_series(1, 366) d, generate_series(1, 100) r, generate_series(0, 7) s;
    insert into shadow_findings (message_id, rule_id, policy, decided_at)
    select 'm-' || n, 'p/r-' || 10 * (n % 10), 'harassment', timestamptz '2026-11-01' + n * interval '1 second'
    from generate_series(1, 40000) n;
    insert into rule_switches (rule_id, is_off, reason, switched_by, switched_at, generation)
    select 'p/r-' || r, r % 100 = 0, 'reason', 'aki', now(), 2 from generate_series(1, 3000) r;
    vacuum (analyze) rule_days; vacuum (analyze) shadow_findings; vacuum (analyze) rule_switches;
";

/// What the pages of the rules and the workers ask.
fn asked_about_rules() -> Vec<Asked> {
    let sql = |text: &str| text.to_owned();
    vec![
        ("off", sql(include_str!("../../src/store/sql/rules/off.sql")), "", String::new()),
        (
            "volumes",
            sql(include_str!("../../src/store/sql/rules/volumes.sql")),
            "bigint, bigint",
            sql("20337, 20360"),
        ),
        (
            "days",
            sql(include_str!("../../src/store/sql/rules/days.sql")),
            "text, bigint",
            sql("'p/r-7', 20001"),
        ),
        (
            "alerts of a rule",
            sql(include_str!("../../src/store/sql/rules/alerts.sql")),
            "text, bigint, bigint",
            sql("'rule:harassment/threat', 20, 500"),
        ),
        (
            "switch",
            sql(include_str!("../../src/store/sql/rules/switch.sql")),
            "text, boolean, text, text, timestamptz, bigint",
            sql("'p/r-7', true, 'why', 'aki', now(), 2"),
        ),
    ]
}

/// What the lists of the desk and the page of an inquiry read.
fn asked_by_agents() -> Vec<Asked> {
    let listing = |view, all| DeskListing {
        view,
        agent_id: Some(AgentId::new("a-2").unwrap()),
        teams: ["t-7".to_owned()].into(),
        sight: if all {
            Sight::All
        } else {
            Sight::Of { agent_id: Some(AgentId::new("a-2").unwrap()), teams: ["t-7".to_owned()].into() }
        },
        from: Some((chrono::DateTime::UNIX_EPOCH, InquiryId::new("q-1").unwrap())),
        direction: Direction::Forward,
        limit: 26,
    };
    let list = |name, view, all, types: &'static str, values: &str| {
        (name, desk::statement(&listing(view, all)), types, values.to_owned())
    };
    let place = "timestamptz '2026-11-03', 'q-1', 26";
    let of_team = format!("'a-2', 't-7', {place}");
    let sql = |text: &str| text.to_owned();
    vec![
        list("mine", DeskView::Mine, false, "text, bigint", "'a-2', 200"),
        list("teams", DeskView::Teams, false, "text, text, timestamptz, text, bigint", &of_team),
        list("all", DeskView::All, true, "timestamptz, text, bigint", place),
        list("triage", DeskView::Triage, true, "timestamptz, text, bigint", place),
        list("waiting", DeskView::Waiting, true, "timestamptz, text, bigint", place),
        list("resolved", DeskView::Resolved, true, "timestamptz, text, bigint", place),
        list(
            "resolved by the team",
            DeskView::Resolved,
            false,
            "text, text, timestamptz, text, bigint, bigint",
            &format!("{of_team}, 26"),
        ),
        ("agent", sql(include_str!("../../src/store/sql/desk/agent.sql")), "text", sql("'a-2'")),
        (
            "assignments",
            sql(include_str!("../../src/store/sql/desk/assignments.sql")),
            "text, bigint",
            sql("'q-1', 50"),
        ),
        (
            "of the customer",
            sql(concat!(
                include_str!("../../src/store/sql/desk/columns.sql"),
                include_str!("../../src/store/sql/desk/whole.sql"),
                include_str!("../../src/store/sql/desk/of_customer.sql")
            )),
            "text, text, bigint",
            sql("'u-1', 'q-1', 20"),
        ),
        ("said", sql(include_str!("../../src/store/sql/desk/said.sql")), "text, bigint", sql("'t-7', 51")),
        (
            "alerts of the transaction",
            sql(concat!(
                include_str!("../../src/store/sql/review/alert.sql"),
                include_str!("../../src/store/sql/desk/alerts.sql")
            )),
            "text, bigint",
            sql("'t-21', 50"),
        ),
        ("last decision", sql(include_str!("../../src/store/sql/desk/decision.sql")), "text", sql("'q-1'")),
        (
            "answers",
            sql(include_str!("../../src/store/sql/desk/replies.sql")),
            "text, bigint",
            sql("'q-1', 50"),
        ),
        (
            "vectors of what was resolved",
            sql(include_str!("../../src/store/sql/desk/resolved_vectors.sql")),
            "timestamptz, text, bigint",
            sql("timestamptz '2026-11-06', '!', 100"),
        ),
    ]
}

/// Nearly 300,000 counts by day, 80,000 findings: none of the rules' queries reads a table from its beginning to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_about_rules_reads_by_an_index() {
    let fresh = Fresh::postgres().await;
    fresh.migrated().await;
    let mut connection = PgConnection::connect(fresh.url()).await.unwrap();
    fill(&mut connection, 40_000, 2).await;
    for statement in FOUND.split(';').filter(|statement| !statement.trim().is_empty()) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    }
    check(&mut connection, &asked_about_rules).await;
}

/// What the desk reads beside the situation of a tick: teams, answers, decisions, vectors.
const DESK: &str = "
    update agents set team = 't-' || (substr(agent_id, 3)::int % 100);
    insert into replies (inquiry_id, agent_id, replied_by, text, resolves, replied_at)
    select inquiry_id, agent_id, 'aki', 'text', true, ended_at from assignments where outcome = 'resolved';
    insert into routing_decisions (inquiry_id, decided_at, status, explanation)
    select inquiry_id, now(), 'assigned', '{}' from assignments;
    insert into inquiry_vectors (inquiry_id, version, vector)
    select inquiry_id, 'v1', decode(repeat('7f', 384), 'hex') from inquiries;
";

/// 55,000 inquiries, 40,000 of them resolved: nothing that an agent reads goes through a table from its beginning to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_of_an_agent_reads_by_an_index() {
    let fresh = Fresh::postgres().await;
    fresh.migrated().await;
    let mut connection = PgConnection::connect(fresh.url()).await.unwrap();
    let skills = Skill::ALL.map(|skill| format!("'{skill}'")).join(", ");
    let rows = SITUATION.replace("SKILLS", &skills) + DESK;
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut connection).await.unwrap();
    for table in [
        "agents",
        "inquiries",
        "assignments",
        "messages",
        "verdicts",
        "alerts",
        "replies",
        "routing_decisions",
        "inquiry_vectors",
    ] {
        let vacuum = format!("vacuum (analyze) {table}");
        sqlx::raw_sql(AssertSqlSafe(vacuum)).execute(&mut connection).await.unwrap();
    }
    check(&mut connection, &asked_by_agents).await;
}

/// Every plan, for these values and for any.
async fn check(connection: &mut PgConnection, asked: &dyn Fn() -> Vec<Asked>) {
    for mode in ["force_custom_plan", "force_generic_plan"] {
        sqlx::raw_sql(AssertSqlSafe(format!("set plan_cache_mode = {mode}")))
            .execute(&mut *connection)
            .await
            .unwrap();
        for (name, statement, types, arguments) in asked() {
            let types = if types.is_empty() { String::new() } else { format!("({types})") };
            let given = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
            let prepare = format!("prepare asked {types} as {statement}");
            sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await.unwrap();
            let explain = format!("explain execute asked {given}");
            let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *connection).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            let plan = plan.join("\n");
            assert!(!plan.contains("Seq Scan"), "{name}, {mode}:\n{plan}");
            assert!(plan.contains("Index"), "{name}, {mode}:\n{plan}");
            sqlx::raw_sql("deallocate asked").execute(&mut *connection).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_of_the_evaluation_reads_by_an_index() {
    let fresh = Fresh::postgres().await;
    fresh.migrated().await;
    let mut connection = PgConnection::connect(fresh.url()).await.unwrap();
    fill(&mut connection, 40_000, 2).await;
    sqlx::raw_sql(AssertSqlSafe(SAMPLES.to_owned())).execute(&mut connection).await.unwrap();
    check(&mut connection, &asked_by_evaluation).await;
}

/// 20,000 inquiries of one customer, every second one in hand, the others resolved.
const LOYAL: &str = "
    insert into agents (agent_id, name, capacity, available) values ('a-1', 'A', 5, true);
    with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 20000)
    insert into inquiries (inquiry_id, customer_id, text, priority, received_at, language, skills, model_version, status, reason, decided_at)
    select 'q-' || n, 'u-1', 'text', 'normal', MOMENT, 'ja', '[]', 'm1', case when n % 2 = 0 then 'assigned' else 'resolved' end, '', MOMENT
    from numbers;
    insert into assignments (inquiry_id, agent_id, skill, assigned_at, generation, ended_at, outcome, ended_by, customer_id)
    select inquiry_id, 'a-1', 'shipping', MOMENT, 1, case status when 'resolved' then MOMENT end,
           case status when 'resolved' then 'resolved' end, case status when 'resolved' then 'a-1' end, customer_id
    from inquiries;
    analyze;
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_knows_a_customer_of_20_000_inquiries_is_the_first_row_of_an_index() {
    let fresh = Fresh::postgres().await;
    fresh.migrated().await;
    let mut connection = PgConnection::connect(fresh.url()).await.unwrap();
    let rows = LOYAL.replace("MOMENT", "now()").replace("'[]'", "jsonb '[]'");
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut connection).await.unwrap();
    let preferred = include_str!("../../src/store/sql/postgres/preferred.sql");
    let explain = format!("explain (analyze, timing off) {preferred}")
        .replace("$1", "array['u-1', 'u-2']")
        .replace("$2", "now() - interval '30 days'");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    for index in ["assignments_open_matter", "assignments_finished"] {
        assert!(plan.contains(index), "{plan}");
    }
    for read in plan.split("actual rows=").skip(1) {
        let rows: f64 = read.split(' ').next().unwrap().parse().unwrap();
        assert!(rows <= 2.0, "{rows} rows:\n{plan}");
    }

    let fresh = Fresh::sqlite().await;
    fresh.migrated().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(fresh.path());
    let mut connection = options.connect().await.unwrap();
    let rows = LOYAL.replace("MOMENT", "1763715600000000");
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut connection).await.unwrap();
    let explain = format!("explain query plan {}", include_str!("../../src/store/sql/sqlite/preferred.sql"));
    let rows =
        sqlx::query(AssertSqlSafe(explain)).bind("[]").bind(0).fetch_all(&mut connection).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
    let plan = plan.join("\n");
    for step in [
        "a USING INDEX assignments_open_matter (customer_id=?)",
        "a USING INDEX assignments_finished (customer_id=? AND ended_at>?)",
    ] {
        assert!(plan.replace("COVERING ", "").contains(step), "{plan}");
    }
}
