//! One connection to the broker, made when it is first needed and made anew after it was lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapin::{Channel, Connection, ConnectionProperties};

use super::address::Address;
use super::errors::classify;
use crate::queue::QueueError;

/// Longest wait for a connection, with TLS and log-in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for the broker's answer to one method. Generous: declaring a quorum queue elects a leader.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// A connection that rebuilds itself on use. lapin's own recovery stays off: with it a consumer hangs after a channel error.
pub(super) struct Link {
    address: Address,
    /// Shown by the broker's management pages.
    name: &'static str,
    current: Mutex<Option<Arc<Connection>>>,
    connecting: tokio::sync::Mutex<()>,
}

impl Link {
    pub fn new(address: Address, name: &'static str) -> Self {
        Self { address, name, current: Mutex::new(None), connecting: tokio::sync::Mutex::new(()) }
    }

    pub fn place(&self) -> &Arc<str> {
        &self.address.place
    }

    /// A new channel on the living connection.
    pub async fn channel(&self) -> Result<Channel, QueueError> {
        let connection = self.connection().await?;
        self.answer("opening a channel", connection.create_channel()).await
    }

    /// Lets go of the connection, because it may be half dead. The next call makes a new one.
    pub fn discard(&self) {
        self.slot().take();
    }

    /// Waits for the broker's answer, and puts an error into our terms.
    pub async fn answer<T>(
        &self,
        doing: &str,
        call: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, QueueError> {
        answer(self.place(), doing, call).await
    }

    async fn connection(&self) -> Result<Arc<Connection>, QueueError> {
        if let Some(connection) = self.living() {
            return Ok(connection);
        }
        let _one_at_a_time = self.connecting.lock().await;
        if let Some(connection) = self.living() {
            return Ok(connection);
        }
        let properties = ConnectionProperties::default().with_connection_name(self.name.into());
        let connecting = Connection::connect_uri(self.address.uri.clone(), properties);
        let connection = match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(connection)) => Arc::new(connection),
            Ok(Err(error)) => return Err(classify(self.place(), "connecting", &error)),
            Err(_) => return Err(too_slow(self.place(), "connecting", CONNECT_TIMEOUT)),
        };
        *self.slot() = Some(connection.clone());
        Ok(connection)
    }

    fn living(&self) -> Option<Arc<Connection>> {
        self.slot().as_ref().filter(|connection| connection.status().connected()).cloned()
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Arc<Connection>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the broker's answer to one method, and puts an error into our terms.
pub(super) async fn answer<T>(
    place: &str,
    doing: &str,
    call: impl Future<Output = lapin::Result<T>>,
) -> Result<T, QueueError> {
    match tokio::time::timeout(ANSWER_TIMEOUT, call).await {
        Ok(answer) => answer.map_err(|error| classify(place, doing, &error)),
        Err(_) => Err(too_slow(place, doing, ANSWER_TIMEOUT)),
    }
}

/// No answer in time.
pub(super) fn too_slow(place: &str, doing: &str, limit: Duration) -> QueueError {
    let detail = format!("{doing}: no answer within {} ms", limit.as_millis());
    QueueError::Unreachable { place: place.to_owned(), detail }
}
