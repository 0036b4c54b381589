//! The API over HTTP, on the real router: every answer is checked against the document that the console serves.

mod support;

#[path = "api/alerts.rs"]
mod alerts;
#[path = "api/document.rs"]
mod document;
#[path = "api/guide.rs"]
mod guide;
#[path = "api/inquiries.rs"]
mod inquiries;
#[path = "api/keys.rs"]
mod keys;
#[path = "api/program.rs"]
mod program;
#[path = "api/queue_contract.rs"]
mod queue_contract;
