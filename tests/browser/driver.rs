//! A private ChromeDriver for each test.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Ended with all of its browsers when dropped.
pub struct Driver {
    child: Child,
    pub url: String,
}

impl Driver {
    /// Starts it on a port that it chooses itself.
    ///
    /// # Panics
    /// Panics when there is none: a test that needs a browser must not pass without it.
    pub fn start() -> Self {
        let path = std::env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".into());
        let mut child = Command::new(&path)
            .arg("--port=0")
            // The pages write times in the browser's zone: the same one on every machine.
            .env("TZ", "Asia/Tokyo")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("these tests need ChromeDriver, and {path} cannot be started ({error}): run them by tests/run.sh, or set CHROMEDRIVER")
            });
        let mut said = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        let port = said
            .by_ref()
            .map(|line| line.expect("ChromeDriver's output can be read"))
            .find_map(|line| {
                Some(line.split_once("started successfully on port ")?.1.trim_end_matches('.').to_owned())
            })
            .expect("ChromeDriver says its port");
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        Self { child, url: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let url = format!("{}/shutdown", self.url);
        // A thread of its own: a blocking client must not run on those of the test's runtime.
        let asked = std::thread::spawn(move || {
            let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(20))).build();
            ureq::Agent::new_with_config(config).get(&url).call().is_ok()
        });
        if !asked.join().unwrap_or(false) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
