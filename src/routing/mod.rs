//! Routing: from skill distributions to agents. Pure: no I/O, no clock.
//!
//! [`decide`] takes all inquiries that wait and all agents at one moment, and says for each inquiry who should get it, and why. What
//! comes out is only a proposal: the store commits it with a compare-and-set that checks what may have changed.

mod agent;
mod allowed;
mod baseline;
mod case;
mod constraint;
mod cost;
mod decide;
mod explain;
mod hours;
mod places;
mod policy;
mod proposal;
mod replay;
mod solve;
mod tell;

#[cfg(test)]
mod tests;

pub use agent::{AgentSnapshot, MEAN_OPEN_SECONDS};
pub use baseline::first_guess_least_loaded;
pub use case::{Case, Left, Preferred};
pub use constraint::{Constraint, left};
pub use decide::{Decided, decide};
pub use explain::{Excluded, Explanation, Method, Scored, Weights};
pub use hours::{Hours, Shift};
pub use policy::{Policy, Step};
pub use proposal::{Candidate, Proposal};
pub use replay::{Fate, PastDecision, Replayed, Side, Tally, replay};
