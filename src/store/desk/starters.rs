//! The templates that the program brings along: added once, and the desk's own from then on.

use chrono::Utc;
use serde::Deserialize;

use crate::contract::{Language, Skill};
use crate::store::StoreError;
use crate::store::ledger::{Books, Ledger, Value};

/// Who has written what nobody has changed yet.
const AUTHOR: &str = "mimamori";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Starters {
    template: Vec<Starter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Starter {
    /// One that was added is never renamed: it would be added again.
    id: String,
    name: String,
    language: Language,
    skill: Option<Skill>,
    text: String,
}

fn starters() -> Result<Vec<Starter>, StoreError> {
    let file: Result<Starters, _> = toml::from_str(include_str!("starters.toml"));
    let file = file.map_err(|error| StoreError::Unexpected(format!("starters.toml: {}", error.message())))?;
    Ok(file.template)
}

/// Adds those that were never there. What somebody has changed or retired stays so.
pub(in crate::store) async fn install<B: Books>(books: &B) -> Result<(), StoreError> {
    let (starters, now) = (starters()?, Utc::now());
    let mut ledger = books.begin_ledger().await?;
    for starter in &starters {
        let values = [
            Value::Text(&starter.id),
            Value::Text(&starter.name),
            Value::Text(starter.language.as_str()),
            Value::TextOrNull(starter.skill.map(Skill::as_str)),
            Value::Text(starter.text.trim()),
            Value::Text(AUTHOR),
            Value::Time(now),
        ];
        ledger.write(include_str!("../sql/desk/starter.sql"), &values).await?;
    }
    ledger.commit().await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{check, filled};
    use super::*;

    #[test]
    fn there_is_one_for_every_skill_in_both_languages() {
        let starters = starters().unwrap();
        let ids: BTreeSet<_> = starters.iter().map(|starter| &starter.id).collect();
        assert_eq!(ids.len(), starters.len());
        for language in Language::ALL {
            for skill in Skill::ALL {
                let one = |starter: &Starter| starter.skill == Some(skill) && starter.language == language;
                assert!(starters.iter().any(one), "{skill} in {language:?}");
            }
        }
        for starter in &starters {
            let filled = filled(&starter.text, "C", "Q", "A");
            assert!(check(&starter.text).is_ok(), "{}", starter.id);
            assert!(!filled.contains(['{', '}']) && filled.contains('C'), "{}", starter.id);
        }
    }
}
