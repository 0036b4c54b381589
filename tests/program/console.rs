//! The first start of the console: one link, on standard error, for one admin.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::running::*;
use crate::support::console::{Client, PASSWORD, encoded};

fn on(database: &Path, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).env("MIMAMORI__STORE__URL", format!("sqlite:{}", database.display()));
    command
}

/// A console process. Killed when dropped.
struct Console {
    child: Child,
    told: BufReader<std::process::ChildStderr>,
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Console {
    fn start(database: &Path, http: SocketAddr) -> Self {
        let mut child = on(database, &["console"])
            .env("MIMAMORI__CONSOLE__HTTP", http.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stderr.take().unwrap());
        Self { child, told }
    }

    /// What it says until a line that holds this.
    fn says(&mut self, wanted: &str) -> String {
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            assert_ne!(self.told.read_line(&mut line).unwrap(), 0, "the console ended without {wanted:?}");
        }
        line
    }
}

/// The path of the link in what was said.
fn link(said: &str) -> String {
    let (_, secret) = said.trim_end().rsplit_once("/set-up/").expect("a link");
    format!("/set-up/{secret}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_start_prints_a_link_and_the_next_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("support.db");
    assert!(run(&mut on(&database, &["db", "migrate"]), b"").status.success());
    let http = free_address();
    let mut console = Console::start(&database, http);
    let first = link(&console.says("/set-up/"));
    let new = run(&mut on(&database, &["console", "--new-setup-link"]), b"");
    assert!(new.status.success() && new.stdout.is_empty(), "the link is on standard error alone");
    let address = link(&text(&new.stderr));

    let client = Client::stranger(http);
    assert_eq!(client.get(&first).await.status, 410, "the newer link takes its place");
    let form = format!("login=root&name=Root&password={0}&again={0}", encoded(PASSWORD));
    assert_eq!(client.post(&address, &form).await.status, 303);
    assert_eq!(client.post(&address, &form).await.status, 410);
    assert_eq!(client.send_log_in("root", PASSWORD).await.status, 303);

    let again = run(&mut on(&database, &["console", "--new-setup-link"]), b"");
    assert_eq!(again.status.code(), Some(2), "there is an admin");
    assert!(text(&again.stderr).contains("--new-setup-link=LOGIN"));
    let unknown = run(&mut on(&database, &["console", "--new-setup-link=nobody"]), b"");
    assert_eq!(unknown.status.code(), Some(2));
    let reset = run(&mut on(&database, &["console", "--new-setup-link=root"]), b"");
    assert!(reset.status.success());
    client.get(&link(&text(&reset.stderr))).await.holds("root");

    drop(console);
    // Nothing to print any more: what a console with an admin says ends with its address.
    let mut console = Console::start(&database, free_address());
    console.says("the console is at http://");
    console.child.kill().unwrap();
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut console.told, &mut rest).unwrap();
    assert!(!rest.contains("/set-up/"), "{rest}");
}

#[test]
fn the_demo_serves_on_loopback_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.args(["demo", "--serve", "--data"]).arg(folder.path());
    let output = run(command.env("MIMAMORI__CONSOLE__HTTP", "0.0.0.0:0"), b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("loopback"), "{}", text(&output.stderr));
}
