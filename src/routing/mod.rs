//! Routing: from a skill distribution to an ordered list of agents who could take the inquiry. Pure: no I/O, no clock.
//!
//! What comes out is only a proposal. The store commits it with a compare-and-set that checks every constraint again.

mod choose;

pub use choose::{AgentSnapshot, Candidate, Proposal, RoutingPolicy, choose};
