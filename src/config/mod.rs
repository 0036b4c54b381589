//! Configuration: the commented defaults, then a file, then the environment; checked whole before anything starts.

mod layers;
mod oidc;
mod routing;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

pub use oidc::{Hidden, OidcConfig};
pub use routing::RoutingConfig;
pub use values::{Broker, Database, LogFormat, PublicUrl, ReportFrom, Threshold};

use crate::contract::{Limits, Policy};

/// The commented file of defaults, as compiled into the program.
pub const DEFAULTS: &str = include_str!("default.toml");

/// The whole validated configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub queue: QueueConfig,
    pub store: StoreConfig,
    pub limits: LimitsConfig,
    pub worker: WorkerConfig,
    pub console: ConsoleConfig,
    pub moderation: ModerationConfig,
    pub models: ModelsConfig,
    pub routing: RoutingConfig,
    pub webhooks: WebhooksConfig,
    pub log: LogConfig,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    pub url: Broker,
    #[serde(deserialize_with = "values::prefix")]
    pub prefix: String,
    #[serde(deserialize_with = "values::at_least_one")]
    pub delivery_limit: u32,
    #[serde(rename = "publish_timeout_ms", deserialize_with = "values::milliseconds")]
    pub publish_timeout: Duration,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    pub url: Database,
    #[serde(deserialize_with = "values::at_least_one")]
    pub max_connections: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    #[serde(deserialize_with = "values::at_least_one")]
    pub max_text_chars: usize,
}

impl From<&LimitsConfig> for Limits {
    fn from(config: &LimitsConfig) -> Self {
        Limits { max_text_chars: config.max_text_chars }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerConfig {
    #[serde(deserialize_with = "values::at_least_one")]
    pub batch_size: usize,
    #[serde(rename = "batch_wait_ms", deserialize_with = "values::milliseconds")]
    pub batch_wait: Duration,
    #[serde(deserialize_with = "values::at_least_one")]
    pub batches_in_flight: usize,
    #[serde(deserialize_with = "values::at_least_one")]
    pub prefetch: u16,
    #[serde(rename = "drain_timeout_ms", deserialize_with = "values::milliseconds")]
    pub drain_timeout: Duration,
    #[serde(deserialize_with = "values::at_least_one")]
    pub outbox_batch: u32,
    pub keep_published_days: u32,
    pub explain_alerts: bool,
    #[serde(rename = "waiting_tick_ms", deserialize_with = "values::milliseconds")]
    pub waiting_tick: Duration,
    #[serde(deserialize_with = "values::at_least_one")]
    pub tick_inquiries: u32,
    pub http: std::net::SocketAddr,
    /// What people call this worker; empty for a name of its own making.
    #[serde(deserialize_with = "values::short_name")]
    pub name: String,
    /// How often it reports itself to the database; `None` for never.
    #[serde(deserialize_with = "values::interval")]
    pub report: Option<Duration>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleConfig {
    pub http: std::net::SocketAddr,
    pub public_url: PublicUrl,
    /// Reverse proxies that stand before the console, each of which adds to `X-Forwarded-For`.
    pub proxies: usize,
    /// A session that is not used for so long ends.
    #[serde(deserialize_with = "values::period")]
    pub session_idle: Duration,
    /// However much it is used, a session ends after so long.
    #[serde(deserialize_with = "values::period")]
    pub session_longest: Duration,
    pub oidc: OidcConfig,
    pub review: ReviewConfig,
}

impl ConsoleConfig {
    /// Under what address people open the console, if it listens at this one.
    pub fn base_url(&self, listening: std::net::SocketAddr) -> String {
        self.public_url.get().map_or_else(|| format!("http://{listening}"), str::to_owned)
    }

    /// What no single value shows: the key, and what was expected.
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let beyond = !self.http.ip().is_loopback() && self.public_url.get().is_none();
        if beyond && self.oidc.is_on() {
            let detail = "expected the address to which the OpenID provider sends people back, such as https://desk.example (console.oidc.issuer is set, and console.http is no loopback address)";
            return Err(("public_url", detail));
        }
        self.oidc.check()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModerationConfig {
    pub context_messages: usize,
    pub rules: PathBuf,
    /// How often the rule files are looked at again; `None` for never.
    #[serde(deserialize_with = "values::interval")]
    pub rules_reload: Option<Duration>,
    /// Fixtures that changed rules have to pass; empty for none.
    pub rules_fixtures: PathBuf,
    pub rules_report_from: ReportFrom,
    pub policies: BTreeMap<Policy, PolicyConfig>,
}

/// Thresholds of one policy on its final probability.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    pub report: Threshold,
    pub hide: Threshold,
    /// Log-odds that a violation counts more than one of severity 0 when alerts queue up for review.
    #[serde(default, deserialize_with = "values::severity")]
    pub severity: f64,
}

/// How alerts are reviewed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewConfig {
    /// How long an alert stays with the reviewer who has opened it, unless the page says that it is still open.
    #[serde(rename = "lease_s", deserialize_with = "values::at_least_one")]
    pub lease_seconds: u32,
    /// How long a reviewer can take back their last decision.
    #[serde(rename = "undo_s")]
    pub undo_seconds: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelsConfig {
    pub encoder: PathBuf,
    pub conversation: PathBuf,
    pub policies: PathBuf,
    pub inquiries: PathBuf,
    pub threads: usize,
    /// A folder with `conversation` and `policies` that judge in shadow; empty for none.
    pub shadow: PathBuf,
    /// Share of the batches that are judged in shadow.
    #[serde(deserialize_with = "values::share")]
    pub shadow_share: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksConfig {
    /// Webhooks may go to addresses that are not of the internet.
    pub allow_private: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    #[serde(deserialize_with = "values::log_filter")]
    pub level: String,
    pub format: LogFormat,
}

/// A setting that is not what it should be. Names the key, where it came from, and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("configuration file {file}: {detail}")]
    File { file: String, detail: String },
    #[error("configuration key `{key}` ({origin}): {detail}")]
    Key { key: String, origin: String, detail: String },
    #[error("{what} `{path}` not found: looked in {looked}; set `{key}`")]
    Missing { what: &'static str, path: String, looked: String, key: &'static str },
}

impl Config {
    /// Defaults, then `file` if any, then `environment` (pairs of name and value).
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let config: Config = layers::merge(file, environment)?;
        config.check_together()?;
        Ok(config)
    }

    /// What no single value shows.
    fn check_together(&self) -> Result<(), ConfigError> {
        let (prefetch, batch) = (usize::from(self.worker.prefetch), self.worker.batch_size);
        if prefetch < 2 * batch {
            return Err(ConfigError::Key {
                key: "worker.prefetch".into(),
                origin: "together with worker.batch_size".into(),
                detail: format!("expected at least twice the batch size, {}, found {prefetch}", 2 * batch),
            });
        }
        let wrong = |key: String, detail: String| ConfigError::Key {
            key,
            origin: "as it came out of all sources".into(),
            detail,
        };
        self.console.check().map_err(|(key, detail)| wrong(format!("console.{key}"), detail.to_owned()))?;
        self.routing.check().map_err(|(key, detail)| wrong(format!("routing.{key}"), detail))
    }
}

/// Finds a file or folder that the configuration names: as it stands from the working directory, else beside the program and
/// in the folders above it (so that a build tree and an installation both work from anywhere).
pub fn locate(path: &Path, what: &'static str, key: &'static str) -> Result<PathBuf, ConfigError> {
    let mut looked = vec![path.to_path_buf()];
    if path.exists() {
        return Ok(path.to_path_buf());
    }
    if path.is_relative()
        && let Ok(program) = std::env::current_exe()
    {
        for folder in program.ancestors().skip(1).take(5) {
            let candidate = folder.join(path);
            if candidate.exists() {
                return Ok(candidate);
            }
            looked.push(candidate);
        }
    }
    let looked = looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    Err(ConfigError::Missing { what, path: path.display().to_string(), looked, key })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn with_env(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::load(None, pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn the_defaults_are_valid() {
        let config = with_env(&[]).unwrap();
        assert_eq!(config.worker.batch_size, 64);
        assert!(config.moderation.policies.contains_key(&Policy::new("harassment")));
    }

    #[test]
    fn environment_wins_over_file_and_file_over_defaults() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "[worker]\nbatch_size = 8\nbatch_wait_ms = 5").unwrap();
        let environment = [("MIMAMORI__WORKER__BATCH_SIZE".to_owned(), "16".to_owned())];
        let config = Config::load(Some(file.path()), environment).unwrap();
        assert_eq!((config.worker.batch_size, config.worker.batch_wait), (16, Duration::from_millis(5)));
    }

    #[test]
    fn the_console_is_public_over_tls_only_and_its_sessions_end() {
        let of = |url: &str| {
            with_env(&[("MIMAMORI__CONSOLE__PUBLIC_URL", url)]).map(|config| config.console.public_url)
        };
        assert_eq!(of("").unwrap().get(), None);
        assert_eq!(of("https://desk.example/").unwrap().get(), Some("https://desk.example"));
        assert_eq!(of("http://127.0.0.1:8080").unwrap().get(), Some("http://127.0.0.1:8080"));
        for wrong in [
            "http://desk.example",
            "http://localhost.evil.example",
            "https://",
            "https://a/b",
            "desk.example",
        ] {
            assert!(of(wrong).unwrap_err().to_string().contains("console.public_url"), "{wrong}");
        }
        let idle = |time: &str| {
            with_env(&[("MIMAMORI__CONSOLE__SESSION_IDLE", time)]).map(|c| c.console.session_idle)
        };
        assert_eq!(idle("2h").unwrap(), Duration::from_secs(7200));
        for wrong in ["0", "9000h", "forever"] {
            assert!(idle(wrong).unwrap_err().to_string().contains("console.session_idle"), "{wrong}");
        }
    }

    const OIDC: [(&str, &str); 2] =
        [("MIMAMORI__CONSOLE__OIDC__ISSUER", ISSUER), ("MIMAMORI__CONSOLE__OIDC__CLIENT_ID", "0123")];
    const ISSUER: &str = "https://login.example/realms/desk/";

    #[test]
    fn an_openid_provider_is_named_whole_and_its_secret_stays_hidden() {
        let of =
            |more: &[(&str, &str)]| with_env(&[&OIDC[..], more].concat()).map(|config| config.console.oidc);
        let secret = ("MIMAMORI__CONSOLE__OIDC__CLIENT_SECRET", "00420");
        let oidc = of(&[secret]).unwrap();
        assert_eq!(oidc.issuer.as_deref(), Some(ISSUER), "as the provider writes it");
        assert_eq!((oidc.client_id.as_str(), oidc.client_secret.reveal()), ("0123", "00420"), "no numbers");
        assert!(!format!("{oidc:?}").contains("00420"));
        assert!(!with_env(&[]).unwrap().console.oidc.is_on());
        let cases: [(&[(&str, &str)], &str); 9] = [
            (&[("MIMAMORI__CONSOLE__OIDC__ISSUER", "http://login.example")], "console.oidc.issuer"),
            (&[("MIMAMORI__CONSOLE__OIDC__ISSUER", "https://login.example/?a=b")], "console.oidc.issuer"),
            (&[("MIMAMORI__CONSOLE__OIDC__CLIENT_ID", "")], "console.oidc.client_id"),
            (&[("MIMAMORI__CONSOLE__OIDC__SCOPES", "a\"b")], "console.oidc.scopes"),
            (&[("MIMAMORI__CONSOLE__OIDC__CLAIM", "")], "console.oidc.claim"),
            (&[("MIMAMORI__CONSOLE__OIDC__LABEL", "")], "console.oidc.label"),
            (&[("MIMAMORI__CONSOLE__OIDC__ONLY", "yes")], "console.oidc.only"),
            (
                &[("MIMAMORI__CONSOLE__OIDC__ISSUER", ""), ("MIMAMORI__CONSOLE__OIDC__ONLY", "true")],
                "console.oidc.only",
            ),
            (&[("MIMAMORI__CONSOLE__HTTP", "0.0.0.0:8080")], "console.public_url"),
        ];
        for (more, key) in cases {
            let error = of(more).unwrap_err().to_string();
            assert!(error.contains(key), "{error} does not name {key}");
        }
        let public =
            [("MIMAMORI__CONSOLE__HTTP", "0.0.0.0:8080"), ("MIMAMORI__CONSOLE__PUBLIC_URL", "https://d")];
        assert!(of(&public).is_ok());
        assert!(of(&[("MIMAMORI__CONSOLE__OIDC__ISSUER", "http://127.0.0.1:9/realm")]).is_ok());
    }

    #[test]
    fn the_usual_names_of_urls_are_understood() {
        let config = with_env(&[("DATABASE_URL", "sqlite:x.db"), ("AMQP_URL", "amqp://h:1/%2f")]).unwrap();
        assert_eq!(config.store.url, Database::Sqlite("x.db".into()));
        assert_eq!(config.queue.url, Broker::RabbitMq("amqp://h:1/%2f".into()));
    }

    #[test]
    fn intervals_have_a_unit_and_zero_is_off() {
        let reload = |value: &str| {
            with_env(&[("MIMAMORI__MODERATION__RULES_RELOAD", value)]).unwrap().moderation.rules_reload
        };
        assert_eq!(reload("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(reload("2m"), Some(Duration::from_secs(120)));
        assert_eq!(reload("0"), None);
        assert_eq!(with_env(&[]).unwrap().moderation.rules_reload, Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_wrong_key_or_value_names_itself_its_origin_and_what_is_allowed() {
        let cases = [
            (("MIMAMORI__WORKER__BATCH_SIZE", "0"), "worker.batch_size", "at least 1"),
            (("MIMAMORI__WORKER__BATCHSIZE", "5"), "worker.batchsize", "batch_size"),
            (("MIMAMORI__WORKER__BATCH_SIZE", "many"), "worker.batch_size", "integer"),
            (("MIMAMORI__QUEUE__URL", "http://x"), "queue.url", "amqp://"),
            (("MIMAMORI__STORE__URL", "mysql://x"), "store.url", "postgres://"),
            (("MIMAMORI__LOG__FORMAT", "xml"), "log.format", "json"),
            (("MIMAMORI__WORKER__PREFETCH", "100"), "worker.prefetch", "128"),
            (("MIMAMORI__MODERATION__RULES_RELOAD", "5"), "moderation.rules_reload", "\"5s\""),
            (("MIMAMORI__MODERATION__RULES_RELOAD", "soon"), "moderation.rules_reload", "\"5s\""),
            (("MIMAMORI__MODERATION__RULES_RELOAD", "0s"), "moderation.rules_reload", "\"5s\""),
            (
                ("MIMAMORI__MODERATION__POLICIES__HARASSMENT__REPORT", "1.5"),
                "policies.harassment.report",
                "0 to 1",
            ),
        ];
        for ((name, value), key, needle) in cases {
            let error = with_env(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(key), "{error} does not name {key}");
            assert!(error.contains(needle), "{error} does not say {needle}");
            assert!(error.contains(name) || error.contains("together"), "{error} does not say where");
        }
    }
}
