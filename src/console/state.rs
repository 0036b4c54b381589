//! What every handler of the console shares.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::FromRef;
use chrono::TimeDelta;
use tokio::sync::Semaphore;

use super::guard::Hosts;
use crate::config::ConsoleConfig;
use crate::store::Store;

/// Passwords that are hashed at once; each takes 19 MiB and a core.
const HASHES_AT_ONCE: usize = 2;

/// The store, and how people come in.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) store: Arc<dyn Store>,
    pub(super) settings: Arc<Settings>,
    pub(super) hashing: Arc<Semaphore>,
}

impl Desk {
    pub(super) fn new(store: Arc<dyn Store>, settings: Settings) -> Self {
        Self { store, settings: Arc::new(settings), hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE)) }
    }
}

impl FromRef<Desk> for Arc<dyn Store> {
    fn from_ref(desk: &Desk) -> Self {
        desk.store.clone()
    }
}

/// How people come in.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) hosts: Hosts,
    /// `https://HOST`, if people come by another address than the listener's.
    pub(super) public_url: Option<String>,
    /// Cookies only over TLS.
    pub(super) secure: bool,
    /// Proxies that add to `X-Forwarded-For`.
    pub(super) proxies: usize,
    pub(super) idle: TimeDelta,
    pub(super) longest: TimeDelta,
}

impl Settings {
    /// For a listener at this address.
    pub(super) fn new(config: &ConsoleConfig, address: SocketAddr) -> Self {
        let public_url = config.public_url.get().map(str::to_owned);
        let period = |period| TimeDelta::from_std(period).unwrap_or(TimeDelta::MAX);
        Self {
            hosts: Hosts::new(address.ip(), public_url.as_deref()),
            secure: public_url.is_some() || !address.ip().is_loopback(),
            public_url,
            proxies: config.proxies,
            idle: period(config.session_idle),
            longest: period(config.session_longest),
        }
    }
}
