//! `mimamori` (見守り, watching over): guards a consumer-to-consumer marketplace.
//!
//! Data flows one way: delivery → contract → text → rules and model → decision → store → event → acknowledgement. Engines
//! ([`text`], [`rules`], [`model`], [`moderation`], [`routing`], [`simulation`]), [`access`] and [`webhook`] are pure; I/O stands at the edge
//! behind the narrow traits of [`queue`] and [`store`], and in [`http_client`].

pub mod access;
pub mod cli;
pub mod config;
pub mod console;
pub mod contract;
pub mod corpus;
pub mod datasets;
pub mod error;
pub mod evaluation;
pub mod http_client;
pub mod model;
pub mod moderation;
pub mod queue;
pub mod routing;
pub mod rules;
pub mod simulation;
pub mod store;
pub mod text;
pub mod webhook;
pub mod worker;
