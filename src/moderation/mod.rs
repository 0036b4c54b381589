//! Moderation: rules and model read a conversation, and one decision comes out for each message. Pure: no I/O, no clock.

mod combine;
mod decide;
mod decision;
mod explain;

pub use combine::{PolicySettings, RulesOnly, final_probability};
pub use decide::{Conversation, Judged, Moderator, Turn};
pub use decision::{AlertSources, Decision, PolicyAlert, ShadowFinding, UnknownSources, risk, text_key};
pub use explain::Weight;
