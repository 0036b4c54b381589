//! Lays the three sources over one another and remembers which one each value came from.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{ConfigError, DEFAULTS};

const ENV_PREFIX: &str = "MIMAMORI__";
/// Names that other tools use for the same thing.
const ENV_ALIASES: [(&str, &str); 2] = [("DATABASE_URL", "store.url"), ("AMQP_URL", "queue.url")];

/// What is a text even if it reads as a number: the environment has no quotes.
const TEXTS: [&str; 2] = ["console.oidc.client_id", "console.oidc.client_secret"];

pub(super) fn merge<T: DeserializeOwned>(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<T, ConfigError> {
    let mut origins = BTreeMap::new();
    let mut merged: Table = toml::from_str(DEFAULTS).map_err(|error| ConfigError::File {
        file: "(built-in defaults)".into(),
        detail: error.to_string(),
    })?;

    if let Some(path) = file {
        let name = path.display().to_string();
        let fail = |detail: String| ConfigError::File { file: name.clone(), detail };
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        let table: Table = toml::from_str(&text).map_err(|error| fail(error.to_string()))?;
        overlay(&mut merged, table, "", &format!("in {name}"), &mut origins);
    }

    let mut overrides: Vec<(String, String, String)> = environment
        .into_iter()
        .filter_map(|(name, value)| key_of(&name).map(|key| (key, name, value)))
        .collect();
    // A name of our own wins over an alias: `DATABASE_URL` sorts before `MIMAMORI__…`, so it is laid down first.
    overrides.sort_by(|a, b| a.1.cmp(&b.1));
    for (key, name, value) in overrides {
        let value = if TEXTS.contains(&key.as_str()) { Value::String(value) } else { guess_type(&value) };
        let table = nested(&key, value);
        overlay(&mut merged, table, "", &format!("environment variable {name}"), &mut origins);
    }

    serde_path_to_error::deserialize(Value::Table(merged)).map_err(|error| {
        let path = error.path().to_string();
        let detail = error.into_inner().to_string();
        // For an unknown field the path stops at its table; the message names the field.
        let key = match detail.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
            Some(field) if !path.ends_with(field) => format!("{path}.{field}"),
            _ => path,
        };
        let origin = origins
            .get(&key)
            .or_else(|| origins.iter().find(|(known, _)| known.starts_with(&key)).map(|(_, origin)| origin))
            .cloned()
            .unwrap_or_else(|| "in the defaults".to_owned());
        ConfigError::Key { key, origin, detail: detail.trim_end().to_owned() }
    })
}

fn key_of(name: &str) -> Option<String> {
    if let Some((_, key)) = ENV_ALIASES.iter().find(|(alias, _)| *alias == name) {
        return Some((*key).to_owned());
    }
    name.strip_prefix(ENV_PREFIX).map(|rest| rest.to_lowercase().replace("__", "."))
}

/// The environment knows only text: what reads as an integer, a float or a truth value is one, the rest is text.
fn guess_type(value: &str) -> Value {
    if let Ok(integer) = value.parse::<i64>() {
        return Value::Integer(integer);
    }
    if let Ok(float) = value.parse::<f64>() {
        return Value::Float(float);
    }
    match value {
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        _ => Value::String(value.to_owned()),
    }
}

fn nested(key: &str, value: Value) -> Table {
    let mut parts = key.rsplit('.');
    let leaf = parts.next().unwrap_or(key);
    let mut table = Table::from_iter([(leaf.to_owned(), value)]);
    for part in parts {
        table = Table::from_iter([(part.to_owned(), Value::Table(table))]);
    }
    table
}

fn overlay(base: &mut Table, over: Table, path: &str, origin: &str, origins: &mut BTreeMap<String, String>) {
    for (key, value) in over {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => overlay(below, above, &full, origin, origins),
            (_, value) => {
                remember(&full, &value, origin, origins);
                base.insert(key, value);
            }
        }
    }
}

fn remember(path: &str, value: &Value, origin: &str, origins: &mut BTreeMap<String, String>) {
    origins.insert(path.to_owned(), origin.to_owned());
    if let Value::Table(table) = value {
        for (key, value) in table {
            remember(&format!("{path}.{key}"), value, origin, origins);
        }
    }
}
