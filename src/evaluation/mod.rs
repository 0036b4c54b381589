//! Measuring: how rules and model together do on labelled conversations and inquiries, and fitting what is chosen from held-out
//! data. Pure, apart from the text that it writes.

pub mod audit;
mod baseline;
mod blend;
mod calibrate;
mod capacity;
mod comparison;
mod curves;
pub mod drift;
mod familiarity;
mod inquiries;
mod logistic;
mod page;
mod policies;
mod report;
mod shares;
mod untimed;
mod whitening;

pub use baseline::keyword_score;
pub use blend::{blended, share_for_answers, share_for_classes};
pub use calibrate::{WRONG_ALLOCATION_RATE, calibrate_inquiries, calibrate_policies};
pub use capacity::{Traffic, Workload, with_precision, within_capacity, workloads};
pub use comparison::{
    Apart, Compared, apart, apart_report, compare_inquiries, compare_policies, comparison_report,
};
pub use curves::{CurvePoint, Curves, ReliabilityBin};
pub use familiarity::{Familiarity, Known, Readings, rejection_threshold, share_below};
pub use inquiries::{InquiryFigures, evaluate_inquiries};
pub use page::evaluation_page;
pub use policies::{Observation, PolicyFigures, evaluate_policy, observe, observe_rules, probability};
pub use report::{inquiry_report, policy_report, tag_report, workload_report};
pub use shares::wilson;
pub use untimed::untimed;
