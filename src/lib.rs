//! `mimamori` (見守り, watching over): guards a consumer-to-consumer marketplace.
//!
//! Data flows one way: delivery → contract → text → rules and model → decision → store → event → acknowledgement. Engines
//! ([`text`], [`rules`], [`model`], [`moderation`], [`routing`]) are pure; I/O stands at the edge behind the narrow traits of
//! [`queue`] and [`store`].

pub mod config;
pub mod contract;
pub mod error;
pub mod queue;
pub mod routing;
pub mod rules;
pub mod store;
pub mod text;
