//! `mimamori route simulate` on a small scenario.

use crate::running::*;

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
