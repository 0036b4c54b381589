//! Starts the program and looks at what it leaves behind.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a condition may take on a busy machine before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// The built program, run from the repository with nothing of the caller's configuration.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mimamori"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, _) in std::env::vars() {
        if name.starts_with("MIMAMORI") || name == "DATABASE_URL" || name == "AMQP_URL" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs to the end with the given standard input.
pub fn run(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    let input = input.to_vec();
    // On a thread of its own: the program may fill its output before it has read all of its input.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("the program ends");
    // A program that ends early closes its input; what counts is its output.
    let _ = writer.join();
    output
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// JSON lines of an output.
pub fn json_lines(bytes: &[u8]) -> Vec<serde_json::Value> {
    text(bytes).lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// A message as the backend sends it.
pub fn message(id: &str, transaction: &str, role: &str, text: &str, second: u32) -> String {
    serde_json::json!({
        "message_id": id, "transaction_id": transaction, "sender_id": "u-1", "sender_role": role, "text": text,
        "sent_at": format!("2026-11-21T09:{:02}:{:02}Z", second / 60 % 60, second % 60),
    })
    .to_string()
}

pub fn inquiry(id: &str, text: &str) -> String {
    serde_json::json!({"inquiry_id": id, "customer_id": "c-1", "text": text, "received_at": "2026-11-21T09:00:00Z"})
        .to_string()
}

/// A worker process with its log in a file. Killed when dropped.
pub struct Worker {
    child: Child,
    pub http: SocketAddr,
    log: PathBuf,
}

impl Worker {
    /// Starts a worker with these settings (names without the prefix `MIMAMORI__`).
    pub fn start(settings: &[(&str, &str)], log: PathBuf) -> Self {
        Self::start_with(settings, &[], log)
    }

    /// The same, with more of an environment.
    pub fn start_with(settings: &[(&str, &str)], environment: &[(&str, &str)], log: PathBuf) -> Self {
        let http = free_address();
        let file =
            std::fs::OpenOptions::new().create(true).append(true).open(&log).expect("the log can be written");
        let mut command = program();
        command
            .arg("worker")
            .env("MIMAMORI__WORKER__HTTP", http.to_string())
            .envs(environment.iter().copied())
            .stderr(file)
            .stdout(Stdio::null());
        for (name, value) in settings {
            command.env(format!("MIMAMORI__{name}"), value);
        }
        Self { child: command.spawn().expect("the worker starts"), http, log }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The status and body of one of the worker's pages; `None` while nobody listens.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .new_agent();
        let mut answer = agent.get(format!("http://{}{path}", self.http)).call().ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.body_mut().read_to_string().ok()?))
    }

    /// Waits until the worker is ready; it must not end meanwhile.
    pub fn await_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.get("/readyz").is_none_or(|(status, _)| status != 200) {
            if let Some(status) = self.child.try_wait().expect("the worker can be asked") {
                panic!("the worker ended with {status}:\n{}", self.log());
            }
            assert!(Instant::now() < deadline, "the worker did not become ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().expect("the worker can be killed");
        self.child.wait().expect("the worker is gone");
    }

    /// SIGHUP.
    pub fn hangup(&self) {
        let status =
            Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(status.success());
    }

    /// SIGTERM; the exit code after the drain.
    pub fn terminate(mut self) -> Option<i32> {
        let status =
            Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(status.success());
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the worker can be asked") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the worker does not stop:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that nobody listens on.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free")
}

/// Waits until a condition on a database holds.
pub async fn eventually<F>(what: &str, mut condition: impl FnMut() -> F)
where
    F: Future<Output = Option<String>>,
{
    let deadline = Instant::now() + PATIENCE;
    while let Some(missing) = condition().await {
        assert!(Instant::now() < deadline, "{what}: {missing}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Copies the files of a folder.
pub fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
