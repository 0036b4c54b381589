//! Values that are more than a number: each refuses what it is not, and says what it expects.

use std::path::PathBuf;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error};

use crate::rules::Severity;

/// Which queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broker {
    RabbitMq(String),
    Embedded(PathBuf),
}

impl<'de> Deserialize<'de> for Broker {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let url = String::deserialize(deserializer)?;
        if url.starts_with("amqp://") || url.starts_with("amqps://") {
            return Ok(Broker::RabbitMq(url));
        }
        match sqlite_file(&url) {
            Some(file) => Ok(Broker::Embedded(file)),
            None => Err(D::Error::custom("expected amqp://…, amqps://… or sqlite:FILE")),
        }
    }
}

/// Which database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    Postgres(String),
    Sqlite(PathBuf),
}

impl<'de> Deserialize<'de> for Database {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let url = String::deserialize(deserializer)?;
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Database::Postgres(url));
        }
        match sqlite_file(&url) {
            Some(file) => Ok(Database::Sqlite(file)),
            None => Err(D::Error::custom("expected postgres://…, postgresql://… or sqlite:FILE")),
        }
    }
}

fn sqlite_file(url: &str) -> Option<PathBuf> {
    let file = url.strip_prefix("sqlite:")?;
    let file = file.strip_prefix("//").unwrap_or(file);
    (!file.is_empty()).then(|| PathBuf::from(file))
}

/// From which probability on something happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// As the model's training chose it on held-out data.
    Shipped,
    At(f64),
    Never,
}

impl Threshold {
    /// The number to compare with, given the one that came with the model.
    pub fn resolve(self, shipped: f64) -> f64 {
        match self {
            Threshold::Shipped => shipped,
            Threshold::At(value) => value,
            Threshold::Never => f64::INFINITY,
        }
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Number(f64),
            Word(String),
        }
        const EXPECTED: &str = "expected \"shipped\", \"never\" or a number from 0 to 1";
        match Raw::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))? {
            Raw::Number(value) if (0.0..=1.0).contains(&value) => Ok(Threshold::At(value)),
            Raw::Word(word) if word == "shipped" => Ok(Threshold::Shipped),
            Raw::Word(word) if word == "never" => Ok(Threshold::Never),
            Raw::Number(_) | Raw::Word(_) => Err(D::Error::custom(EXPECTED)),
        }
    }
}

/// From which severity on an enforced rule reports by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFrom {
    Severity(Severity),
    Never,
}

impl ReportFrom {
    pub fn includes(self, severity: Severity) -> bool {
        matches!(self, ReportFrom::Severity(from) if severity >= from)
    }
}

impl<'de> Deserialize<'de> for ReportFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "expected \"low\", \"medium\", \"high\", \"critical\" or \"never\"";
        let word = String::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))?;
        match (word.as_str(), Severity::parse(&word)) {
            ("never", _) => Ok(ReportFrom::Never),
            (_, Some(severity)) => Ok(ReportFrom::Severity(severity)),
            (_, None) => Err(D::Error::custom(EXPECTED)),
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

pub(super) fn log_filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let filter = String::deserialize(deserializer)?;
    match tracing_subscriber::EnvFilter::try_new(&filter) {
        Ok(_) => Ok(filter),
        Err(error) => {
            Err(D::Error::custom(format!("expected error, warn, info, debug, trace or a filter: {error}")))
        }
    }
}

pub(super) fn prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let prefix = String::deserialize(deserializer)?;
    let valid = !prefix.is_empty()
        && prefix.len() <= 100
        && prefix.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if valid {
        Ok(prefix)
    } else {
        Err(D::Error::custom("expected 1 to 100 letters, digits, `.`, `_` or `-`"))
    }
}

pub(super) fn severity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    const EXPECTED: &str = "expected a number from -5 to 5";
    let value = f64::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))?;
    (-5.0..=5.0).contains(&value).then_some(value).ok_or_else(|| D::Error::custom(EXPECTED))
}

pub(super) fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    const EXPECTED: &str = "expected a number from 0 to 1";
    let value = f64::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))?;
    (0.0..=1.0).contains(&value).then_some(value).ok_or_else(|| D::Error::custom(EXPECTED))
}

pub(super) fn at_least_one<'de, D, N>(deserializer: D) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<i64>,
{
    let value =
        i64::deserialize(deserializer).map_err(|_| D::Error::custom("expected an integer of at least 1"))?;
    N::try_from(value).ok().filter(|_| value >= 1).ok_or_else(|| {
        D::Error::custom(format!("expected an integer of at least 1 that is not too large, found {value}"))
    })
}

pub(super) fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let value = i64::deserialize(deserializer)
        .map_err(|_| D::Error::custom("expected milliseconds as an integer of at least 1"))?;
    match u64::try_from(value) {
        Ok(milliseconds) if milliseconds >= 1 => Ok(Duration::from_millis(milliseconds)),
        _ => Err(D::Error::custom(format!("expected milliseconds, at least 1, found {value}"))),
    }
}

/// Longest name of a worker, in characters.
const LONGEST_NAME: usize = 60;

/// A name for people: short, in one line.
pub(super) fn short_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control) {
        return Ok(name);
    }
    Err(D::Error::custom("expected a name of at most 60 characters in one line"))
}

/// A time with its unit, such as `"5s"`; `0` is never.
pub(super) fn interval<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Raw {
        Number(i64),
        Word(String),
    }
    const EXPECTED: &str = "expected a time such as \"5s\", \"500ms\", \"2m\" or \"12h\", or 0 for never";
    let unreadable = || D::Error::custom(EXPECTED);
    let word = match Raw::deserialize(deserializer).map_err(|_| unreadable())? {
        Raw::Number(0) => return Ok(None),
        Raw::Number(_) => return Err(unreadable()),
        Raw::Word(word) => word,
    };
    if word == "0" {
        return Ok(None);
    }
    let unit = word.find(|c: char| !c.is_ascii_digit()).ok_or_else(unreadable)?;
    let number: u64 = word[..unit].parse().map_err(|_| unreadable())?;
    let milliseconds = match &word[unit..] {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    milliseconds
        .and_then(|unit| number.checked_mul(unit))
        .filter(|milliseconds| *milliseconds > 0)
        .map(|milliseconds| Some(Duration::from_millis(milliseconds)))
        .ok_or_else(unreadable)
}

/// The longest [`period`].
const LONGEST_PERIOD: Duration = Duration::from_secs(366 * 24 * 3600);

/// A time with its unit that is not never, and at most a year.
pub(super) fn period<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    const EXPECTED: &str = "expected a time such as \"30m\" or \"12h\", above 0 and at most a year";
    let period = interval(deserializer)?.filter(|period| *period <= LONGEST_PERIOD);
    period.ok_or_else(|| D::Error::custom(EXPECTED))
}

/// Under what address people open the console, if not under that which it listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Option<String>);

impl PublicUrl {
    /// Scheme, host and perhaps port, without a slash at its end. The scheme is `https`, or `http` on a loopback name.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "expected https://HOST or https://HOST:PORT without a path (http:// only for localhost, 127.0.0.1 or [::1]), or \"\"";
        let url = String::deserialize(deserializer)?;
        if url.is_empty() {
            return Ok(Self(None));
        }
        let url = url.strip_suffix('/').unwrap_or(&url);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        match url.split_once("://") {
            Some((scheme, authority))
                if !authority.is_empty()
                    && authority.chars().all(allowed)
                    && (scheme == "https" || scheme == "http" && is_local(authority)) =>
            {
                Ok(Self(Some(url.to_owned())))
            }
            _ => Err(D::Error::custom(EXPECTED)),
        }
    }
}

fn is_local(authority: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"]
        .into_iter()
        .any(|name| authority.strip_prefix(name).is_some_and(|port| port.is_empty() || port.starts_with(':')))
}
