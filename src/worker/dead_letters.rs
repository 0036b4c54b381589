//! Sorts deliveries into those that follow the contract and dead letters.

use chrono::Utc;
use sha2::{Digest, Sha256};

use crate::contract::{Rejection, RejectionCode};
use crate::model::folder::hexadecimal;
use crate::queue::{Delivery, Inbound};
use crate::store::DeadLetter;

/// Decodes every delivery; what cannot be decoded, or was attempted too often, is a dead letter.
pub fn split<T>(
    queue: Inbound,
    batch: &[Delivery],
    attempts: u32,
    decode: impl Fn(&[u8]) -> Result<T, Rejection>,
) -> (Vec<T>, Vec<DeadLetter>) {
    let mut good = Vec::with_capacity(batch.len());
    let mut bad = Vec::new();
    for delivery in batch {
        let decoded = if delivery.earlier_attempts >= attempts {
            let detail = format!("delivered {} times without success", delivery.earlier_attempts);
            Err(Rejection::new(RejectionCode::TooManyAttempts, detail))
        } else {
            decode(&delivery.body)
        };
        match decoded {
            Ok(value) => good.push(value),
            Err(rejection) => bad.push(dead_letter(queue, delivery.body.clone(), rejection)),
        }
    }
    (good, bad)
}

/// A dead letter, identified by its queue and its body.
pub fn dead_letter(queue: Inbound, body: Vec<u8>, rejection: Rejection) -> DeadLetter {
    let mut hash = Sha256::new();
    hash.update(queue.as_str());
    hash.update([0]);
    hash.update(&body);
    DeadLetter { id: hexadecimal(&hash.finalize()), queue, body, rejection, at: Utc::now() }
}
