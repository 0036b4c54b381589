//! `/webhooks`: who is told of events over HTTP, and what became of it. For admins.

mod acts;
mod page;

use chrono::TimeDelta;

pub(super) use acts::{add, change, delete, rotate, send_again, test};
pub(super) use page::{endpoint_page, page};

use crate::access::Secret;

/// So long the secret before the last one signs as well.
pub(super) const PREVIOUS_HOLDS: TimeDelta = TimeDelta::days(1);

/// A new `webhook-id` for a test, which no event has.
pub(super) fn test_id() -> String {
    format!("msg_test{}", &Secret::new(&mut rand::rng()).reveal()[..24])
}
