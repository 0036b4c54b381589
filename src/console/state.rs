//! What every handler of the console shares.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::FromRef;
use chrono::TimeDelta;
use tokio::sync::Semaphore;

use super::desk::Similar;
use super::guard::Hosts;
use super::oidc::Provider;
use super::rules::{Book, RuleFolder};
use crate::config::ConsoleConfig;
use crate::contract::Policy;
use crate::model::catalogue::ModelFolders;
use crate::model::neighbours::EXACT_UP_TO;
use crate::store::Store;

/// Passwords that are hashed at once; each takes 19 MiB and a core.
const HASHES_AT_ONCE: usize = 2;

/// The store, and how people come in.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) store: Arc<dyn Store>,
    pub(super) settings: Arc<Settings>,
    pub(super) hashing: Arc<Semaphore>,
    /// Who vouches for people; none if they come by passwords alone.
    pub(super) provider: Option<Arc<Provider>>,
    pub(super) rules: Book,
    /// Finds inquiries like another one.
    pub(super) similar: Arc<Similar>,
}

impl Desk {
    pub(super) fn new(
        store: Arc<dyn Store>,
        settings: Settings,
        provider: Option<Provider>,
        rules: Book,
    ) -> Self {
        Self {
            store,
            settings: Arc::new(settings),
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            provider: provider.map(Arc::new),
            rules,
            similar: Arc::new(Similar::new(EXACT_UP_TO)),
        }
    }

    /// Whether people may log in by a password.
    pub(super) fn takes_passwords(&self) -> bool {
        !self.provider.as_ref().is_some_and(|provider| provider.only())
    }
}

impl FromRef<Desk> for Arc<dyn Store> {
    fn from_ref(desk: &Desk) -> Self {
        desk.store.clone()
    }
}

/// How people come in, and how alerts are reviewed.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) hosts: Hosts,
    /// Scheme, host and port, if people come by another address than the listener's.
    pub(super) public_url: Option<String>,
    /// Cookies only over TLS.
    pub(super) secure: bool,
    /// Proxies that add to `X-Forwarded-For`.
    pub(super) proxies: usize,
    pub(super) idle: TimeDelta,
    pub(super) longest: TimeDelta,
    /// How long an alert stays with who has opened it, and how long a decision can be taken back.
    pub(super) lease: TimeDelta,
    pub(super) undo: TimeDelta,
    /// Policies that a reviewer can choose from.
    pub(super) policies: Vec<Policy>,
    /// Where the models are, if this console sees them.
    pub(super) models: Option<ModelFolders>,
}

/// What the console knows of the moderation whose alerts it shows.
#[derive(Debug, Clone, Default)]
pub struct Moderation {
    /// Policies that a reviewer can choose from.
    pub policies: Vec<Policy>,
    /// Where the rules are; none for a console without.
    pub rules: Option<RuleFolder>,
    /// Where the models are, if this console sees them.
    pub models: Option<ModelFolders>,
}

impl Settings {
    /// For a listener at this address.
    pub(super) fn new(
        config: &ConsoleConfig,
        policies: Vec<Policy>,
        models: Option<ModelFolders>,
        address: SocketAddr,
    ) -> Self {
        let public_url = config.public_url.get().map(str::to_owned);
        // At most a year by the configuration's own check.
        let period = |period| TimeDelta::from_std(period).unwrap_or(TimeDelta::zero());
        Self {
            hosts: Hosts::new(address.ip(), public_url.as_deref()),
            secure: match &public_url {
                Some(url) => url.starts_with("https://"),
                None => !address.ip().is_loopback(),
            },
            public_url,
            proxies: config.proxies,
            idle: period(config.session_idle),
            longest: period(config.session_longest),
            lease: TimeDelta::seconds(i64::from(config.review.lease_seconds)),
            undo: TimeDelta::seconds(i64::from(config.review.undo_seconds)),
            policies,
            models,
        }
    }
}
