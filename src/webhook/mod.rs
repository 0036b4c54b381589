//! Where webhooks may go, and when they are tried again. Pure: whoever sends them brings clock, chance and network.

mod address;
mod schedule;
mod target;

pub use address::is_global;
pub use schedule::{ATTEMPTS, next_wait};
pub use target::{LONGEST_URL, TargetError, target};
