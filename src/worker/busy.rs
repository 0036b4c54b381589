//! Whether live work is going on, for what is done beside it and has to stand back.

use tokio::sync::watch;

/// Batches that are being judged live.
#[derive(Clone)]
pub struct Busy {
    count: watch::Sender<usize>,
}

impl Default for Busy {
    fn default() -> Self {
        Self { count: watch::Sender::new(0) }
    }
}

impl Busy {
    /// One more, until what comes back is dropped.
    pub fn enter(&self) -> BusyGuard {
        self.count.send_modify(|count| *count += 1);
        BusyGuard { busy: self.clone() }
    }

    pub fn watch(&self) -> Quiet {
        Quiet { count: self.count.subscribe() }
    }
}

/// Held while a batch is judged.
pub struct BusyGuard {
    busy: Busy,
}

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.busy.count.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// Sees whether anything is being judged.
pub struct Quiet {
    count: watch::Receiver<usize>,
}

impl Quiet {
    /// Completes while nothing is judged.
    pub async fn come(&mut self) {
        // The count goes away with the worker; then nothing is judged any more.
        let _ = self.count.wait_for(|count| *count == 0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_quiet_when_the_last_batch_is_judged() {
        let busy = Busy::default();
        let mut quiet = busy.watch();
        let (one, other) = (busy.enter(), busy.enter());
        drop(one);
        assert!(futures_util::FutureExt::now_or_never(quiet.come()).is_none());
        drop(other);
        quiet.come().await;
    }
}
