//! `mimamori console` as a process on a seeded database.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use chrono::Utc;
use mimamori::access::{Actor, Role};
use mimamori::config::Database;
use mimamori::contract::AgentId;
use mimamori::store::{AccountProfile, Edited, Store};

use crate::support::console::password_hash;
use crate::support::database::Fresh;

/// Killed when dropped.
pub struct Console {
    pub store: Arc<dyn Store>,
    /// Scheme, host and port.
    pub origin: String,
    child: Child,
    told: BufReader<std::process::ChildStderr>,
    _database: Fresh,
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Console {
    /// On an empty database of PostgreSQL.
    pub async fn start() -> Self {
        let database = Fresh::postgres().await;
        let store = database.migrated().await;
        let url = match &database.config {
            Database::Postgres(url) => url.clone(),
            Database::Sqlite(path) => format!("sqlite:{}", path.display()),
        };
        let http = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port is free");
        let mut command = Command::new(env!("CARGO_BIN_EXE_mimamori"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MIMAMORI")) {
            command.env_remove(name);
        }
        let mut child = command
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .arg("console")
            .env("MIMAMORI__STORE__URL", url)
            .env("MIMAMORI__CONSOLE__HTTP", http.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let told = BufReader::new(child.stderr.take().expect("standard error is piped"));
        let mut console = Self { store, origin: format!("http://{http}"), child, told, _database: database };
        console.says("the console is at ");
        console
    }

    /// What it says until a line that holds this.
    pub fn says(&mut self, wanted: &str) -> String {
        let mut said = String::new();
        loop {
            let mut line = String::new();
            let read = self.told.read_line(&mut line).expect("standard error can be read");
            assert_ne!(read, 0, "the console ended without {wanted:?}: {said}");
            if line.contains(wanted) {
                return line;
            }
            said.push_str(&line);
        }
    }

    /// Adds somebody with the password of the tests.
    pub async fn person(&self, login: &str, name: &str, role: Role, teams: &[&str], agent: Option<&str>) {
        let profile = AccountProfile {
            login: login.parse().unwrap(),
            name: name.into(),
            role,
            teams: teams.iter().map(|team| (*team).to_owned()).collect(),
            agent_id: agent.map(|id| AgentId::new(id).unwrap()),
        };
        let hash = tokio::task::spawn_blocking(password_hash).await.unwrap();
        let added = self.store.add_account(&profile, Some(&hash), &Actor::program(), Utc::now()).await;
        assert!(matches!(added.unwrap(), Edited::Done(_)), "{login} is added");
    }
}
