//! One account for each role, in the demo's own database.

use chrono::Utc;
use rand::Rng;
use rand::seq::IndexedRandom;

use super::super::error::CliError;
use crate::access::{Actor, Login, PasswordHash, Role};
use crate::contract::AgentId;
use crate::store::{AccountProfile, Store};

/// Log-in, name, role and agent of each.
const PEOPLE: [(&str, &str, Role, Option<&str>); 5] = [
    ("agent", "青木 澪", Role::Agent, Some("a-01")),
    ("lead", "Lead", Role::Lead, Some("a-02")),
    ("author", "Rule author", Role::RuleAuthor, None),
    ("owner", "Model owner", Role::ModelOwner, None),
    ("admin", "Admin", Role::Admin, None),
];

/// Letters and digits that are not taken for one another.
const CHARACTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// Adds them, and returns the password that they share.
pub async fn add(store: &dyn Store) -> Result<String, CliError> {
    let mut chance = rand::rng();
    let character = |_| CHARACTERS.choose(&mut chance).copied().map_or('x', char::from);
    let password: String = (0..16).map(character).collect();
    let mut salt = [0; 16];
    chance.fill_bytes(&mut salt);
    let typed = password.clone();
    let hash = tokio::task::block_in_place(|| PasswordHash::new(&typed, salt));
    let hash = hash.ok_or_else(|| CliError::Bug("a password could not be hashed".into()))?;
    for (login, name, role, agent) in PEOPLE {
        let profile = AccountProfile {
            login: login.parse::<Login>().map_err(|error| CliError::Bug(error.to_string()))?,
            name: name.to_owned(),
            role,
            teams: Default::default(),
            agent_id: agent
                .map(AgentId::new)
                .transpose()
                .map_err(|error| CliError::Bug(error.to_string()))?,
        };
        store.add_account(&profile, Some(&hash), &Actor::program(), Utc::now()).await?;
    }
    Ok(password)
}

/// Their log-ins, for a sentence.
pub fn logins() -> String {
    PEOPLE.map(|(login, ..)| login).join(", ")
}
