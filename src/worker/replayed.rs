//! Takes the copies of replayed dead letters off the broker's dead-letter queues.
//!
//! Beside the relay, not within it: the broker has to be searched for them, and events must not wait for that. A copy that stays (the
//! process ended, or the broker did) is one too many in the broker's queue, and nothing else: the database tells what is open.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::retry::{Ended, until_done};
use crate::queue::{DEAD_LETTER_ID_HEADER, Inbound, Outgoing, Queue, Target};

/// Copies that may wait to be removed: far more than one person replays at once.
const WAITING: usize = 1024;
/// How often a copy is looked for: while another worker searches the queue, what it holds cannot be seen.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Hands over what was published.
pub struct Replayed {
    to: mpsc::Sender<(Inbound, String)>,
}

impl Replayed {
    /// Remembers a dead letter whose body has just gone back to its queue; anything else is passed over.
    pub fn published(&self, outgoing: &Outgoing) {
        let Target::Inbound(queue) = outgoing.target else { return };
        let Some(id) = outgoing.headers.get(DEAD_LETTER_ID_HEADER) else { return };
        if self.to.try_send((queue, id.clone())).is_err() {
            tracing::warn!(
                queue = queue.as_str(),
                id,
                "the copy of a replayed dead letter stays with the broker"
            );
        }
    }
}

/// Removes them.
pub struct Copies {
    queue: Arc<dyn Queue>,
    from: mpsc::Receiver<(Inbound, String)>,
}

impl Copies {
    pub fn new(queue: Arc<dyn Queue>) -> (Self, Replayed) {
        let (to, from) = mpsc::channel(WAITING);
        (Self { queue, from }, Replayed { to })
    }

    /// Runs until nobody can hand over anything any more, or until `abandon`.
    pub async fn run(mut self, abandon: CancellationToken) {
        loop {
            let next = tokio::select! {
                () = abandon.cancelled() => return,
                next = self.from.recv() => next,
            };
            let Some((queue, id)) = next else { return };
            self.remove(queue, &id, &abandon).await;
        }
    }

    async fn remove(&self, of: Inbound, id: &str, abandon: &CancellationToken) {
        for look in 1..=LOOKS {
            let remove = || self.queue.remove_dead_letter(of, id);
            match until_done("remove a replayed dead letter", abandon, remove).await {
                Ok(false) if look < LOOKS => tokio::select! {
                    () = abandon.cancelled() => return,
                    () = tokio::time::sleep(BETWEEN_LOOKS) => {}
                },
                Ok(_) | Err(Ended::Abandoned) => return,
                Err(Ended::Failed(error)) => {
                    tracing::warn!(queue = of.as_str(), id, %error, "the copy of a replayed dead letter stays with the broker");
                    return;
                }
            }
        }
    }
}
