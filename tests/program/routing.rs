//! `mimamori route simulate` on a small scenario; `route replay`, `route withdraw` and `route corrections` on a small database.

use std::path::Path;
use std::process::{Command, Output};

use mimamori::access::Act;
use mimamori::contract::{AgentId, Language, Skill};
use mimamori::corpus::LabelledInquiry;
use mimamori::store::{AuditFilter, Change};

use crate::running::*;
use crate::support::database::Fresh;
use crate::support::values::{agent, at, decision, inquiry, offer};

/// The shipped day with a tenth of its agents and one load.
fn small() -> String {
    let day = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/routing/day.toml");
    let day = std::fs::read_to_string(day).unwrap();
    let mut small = String::new();
    for line in day.lines() {
        match line.strip_prefix("count = ").and_then(|count| count.parse::<u32>().ok()) {
            Some(count) => small.push_str(&format!("count = {}", count.div_ceil(7))),
            None => small.push_str(if line.starts_with("loads = ") { "loads = [0.5]" } else { line }),
        }
        small.push('\n');
    }
    small
}

#[test]
fn a_day_is_played_the_same_way_twice_and_its_page_shows_the_figures() {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, page) = (folder.path().join("day.toml"), folder.path().join("page.html"));
    std::fs::write(&scenario, small()).unwrap();
    let simulate = || {
        let mut command = program();
        command
            .args(["route", "simulate", "--seeds", "2", "--scenario"])
            .arg(&scenario)
            .arg("--html")
            .arg(&page);
        run(&mut command, b"")
    };
    let output = simulate();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    for figure in
        ["first guess, least loaded", "load 0.50", "wrong allocations per 100 inquiries", "95% interval"]
    {
        assert!(told.contains(figure), "{told}");
    }
    assert!(!text(&output.stderr).contains('#'), "no progress bar away from a terminal");
    assert_eq!(std::fs::read_to_string(&page).unwrap().matches("<svg viewBox=\"-34").count(), 3);
    assert_eq!(text(&simulate().stdout), told);
}

#[test]
fn a_policy_is_compared_with_the_configuration_and_itself_differs_in_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, policy) = (folder.path().join("day.toml"), folder.path().join("policy.toml"));
    std::fs::write(&scenario, small()).unwrap();
    std::fs::write(&policy, "[routing]\n").unwrap();
    let mut command = program();
    command
        .args(["route", "simulate", "--seeds", "2", "--scenario"])
        .arg(&scenario)
        .arg("--policy")
        .arg(&policy);
    let output = run(&mut command, b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    assert_eq!(told.matches("+0.0% [+0.0%, +0.0%]").count(), 6, "{told}");
}

#[test]
fn what_is_wrong_with_a_scenario_or_policy_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("day.toml");
    for (content, needle) in [
        (small().replace("capacity = 2", "capacity = \"two\""), "agents[0].capacity"),
        (small().replace("spread = 0.5", "spread = -1.0"), "handling.spread"),
        ("title = ".to_owned(), "day.toml"),
    ] {
        std::fs::write(&file, content).unwrap();
        let output = run(program().args(["route", "simulate", "--scenario"]).arg(&file), b"");
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(needle), "{} does not say {needle}", text(&output.stderr));
    }
}

/// Settings that other programs of one test share.
fn with_database(command: &mut Command, folder: &Path) -> Output {
    command.env("MIMAMORI__STORE__URL", format!("sqlite:{}", folder.join("support.db").display()));
    let output = run(command, b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    output
}

#[test]
fn what_was_decided_is_replayed_under_the_same_and_under_other_settings() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    with_database(program().args(["db", "migrate"]), folder.path());
    with_database(program().args(["db", "seed"]).arg(root.join("fixtures/demo/agents.json")), folder.path());
    let asked = [
        "商品が届きません。追跡が一週間動いていません。",
        "My card was refused at the checkout.",
        "クーポンが使えません",
    ];
    let asked: Vec<String> =
        asked.iter().enumerate().map(|(n, text)| crate::running::inquiry(&format!("q-{n}"), text)).collect();
    std::fs::write(folder.path().join("asked.jsonl"), asked.join("\n")).unwrap();
    with_database(program().arg("route").arg(folder.path().join("asked.jsonl")), folder.path());

    let replay = |more: &[&str]| {
        let mut command = program();
        command.args(["route", "replay", "--from", "2020-01-01T00:00:00Z"]).args(more);
        text(&with_database(&mut command, folder.path()).stdout)
    };
    let same = replay(&[]);
    assert!(same.contains("3 decisions in 1 ticks, 3 of them (100.0%) as they were"), "{same}");

    // No prediction is sure enough.
    let strict = folder.path().join("strict.toml");
    std::fs::write(&strict, "[routing]\nconfidence_floor = 1.0\n").unwrap();
    let strict = strict.display().to_string();
    let otherwise = replay(&["--policy", &strict]);
    assert!(otherwise.contains("0 of them (0.0%) as they were"), "{otherwise}");
    assert!(
        otherwise.contains("decided otherwise (3 of 3)") && otherwise.contains("-> triage"),
        "{otherwise}"
    );
    let lines = replay(&["--policy", &strict, "--json"]);
    assert_eq!(json_lines(lines.as_bytes()).iter().filter(|line| line["now"] == "triage").count(), 3);
    let before = replay(&["--to", "2020-01-02T00:00:00Z"]);
    assert!(before.contains("0 decisions in 0 ticks"), "{before}");

    let backwards = ["route", "replay", "--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z"];
    let output = run(program().args(backwards), b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("the period is empty"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_holds_goes_back_and_corrections_become_lines_of_the_corpus() {
    let database = Fresh::sqlite().await;
    let store = database.migrated().await;
    store.upsert_agents(&[agent("a-1", &[Skill::Shipping], &[Language::Ja], 5)]).await.unwrap();
    for id in ["q-1", "q-2"] {
        store.commit_routing(&decision(&inquiry(id, 0), offer(&["a-1"]), 1)).await.unwrap();
    }
    let (q1, a1) = (inquiry("q-1", 0).inquiry_id, AgentId::new("a-1").unwrap());
    let passed = store.reject(&q1, &a1, 1, Some(Skill::ReturnRefund), at(2)).await.unwrap();
    assert_eq!(passed, Change::Done);
    let on_database = |arguments: &[&str]| {
        let url = format!("sqlite:{}", database.path().display());
        run(program().args(arguments).env("MIMAMORI__STORE__URL", url), b"")
    };
    let output = on_database(&["route", "withdraw", "--agent", "a-1"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("1 inquiries went back"), "{}", text(&output.stderr));
    assert_eq!(store.waiting_inquiries(10).await.unwrap().len(), 2);
    let line = &store.audit_trail(&AuditFilter::default(), 10).await.unwrap()[0].entry;
    assert_eq!((line.act, line.subject.id.as_str()), (Act::InquiriesWithdrawn, "a-1"));
    assert_eq!(line.detail["inquiries"], 1);

    let output = on_database(&["route", "corrections", "--to", "2026-11-22T00:00:00Z"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines: Vec<LabelledInquiry> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].inquiry.as_str(), lines[0].skill), ("q-1", Skill::ReturnRefund));
    assert_eq!((lines[0].origin.as_str(), lines[0].text.as_str()), ("correction", "商品が届きません"));
    let none = on_database(&["route", "corrections", "--from", "2026-11-22T00:00:00Z"]);
    assert!(none.stdout.is_empty() && none.status.success());
    assert_eq!(on_database(&["route", "withdraw", "--agent", ""]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_gives_an_inquiry_to_somebody_else_once() {
    let database = Fresh::sqlite().await;
    let store = database.migrated().await;
    let agents = ["a-1", "a-2"].map(|id| agent(id, &[Skill::Shipping], &[Language::Ja], 1));
    store.upsert_agents(&agents).await.unwrap();
    store.commit_routing(&decision(&inquiry("q-1", 0), offer(&["a-1"]), 1)).await.unwrap();
    let assign = |agent: &str, generation: &str| {
        let url = format!("sqlite:{}", database.path().display());
        let arguments = ["route", "assign", "--inquiry", "q-1", "--agent", agent, "--generation", generation];
        let output = run(program().args(arguments).env("MIMAMORI__STORE__URL", url), b"");
        (output.status.code(), text(&output.stderr))
    };
    let (code, told) = assign("a-2", "1");
    assert_eq!(code, Some(0), "{told}");
    let open: Vec<_> = store
        .agents()
        .await
        .unwrap()
        .into_iter()
        .map(|agent| (agent.agent_id.to_string(), agent.open))
        .collect();
    assert_eq!(open, [("a-1".to_owned(), 0), ("a-2".to_owned(), 1)]);
    let trail = store.audit_trail(&AuditFilter::default(), 10).await.unwrap();
    // Who looked before that is too late.
    let (code, told) = assign("a-1", "1");
    assert_eq!(code, Some(1));
    assert!(told.contains("of another generation"), "{told}");
    let (code, told) = assign("nobody", "2");
    assert_eq!(code, Some(1));
    assert!(told.contains("no such inquiry or agent"), "{told}");
    assert_eq!(assign("", "2").0, Some(2));
    assert_eq!(
        store.audit_trail(&AuditFilter::default(), 10).await.unwrap(),
        trail,
        "what failed has no line"
    );
    assert_eq!((trail.len(), trail[0].entry.act), (1, Act::InquiryAssigned));
}
