//! Measuring: how rules and model together do on labelled conversations and inquiries, and fitting what is chosen from held-out
//! data. Pure, apart from the text that it writes.

mod baseline;
mod calibrate;
mod inquiries;
mod logistic;
mod policies;
mod report;

pub use baseline::keyword_score;
pub use calibrate::{WRONG_ALLOCATION_RATE, calibrate_inquiries, calibrate_policies};
pub use inquiries::{InquiryFigures, evaluate_inquiries};
pub use policies::{Observation, PolicyFigures, evaluate_policy, observe};
pub use report::{inquiry_report, policy_report, tag_report};
