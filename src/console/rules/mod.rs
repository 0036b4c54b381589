//! The room of the rules: what each says, finds and is worth, the switch, and a message on trial.

mod book;
mod examples;
mod figures;
mod judge;
mod list;
mod one;
mod switch;
mod trial;

pub use book::RuleFolder;
pub(super) use book::{Book, Shelf};
pub(super) use list::{csv, page};
pub(super) use one::{days_csv, page as rule_page};
pub(super) use switch::switch;
pub(super) use trial::{page as trial_page, try_message};

use super::handover::encoded;

/// Names below `/rules/` that are no rules.
const TAKEN: [&str; 3] = ["try", "switch", "days.csv"];

/// The address of a rule's page. Ids are paths.
fn address(rule: &str) -> String {
    // A rule of such a name is reached by another spelling of it.
    if let (true, Some(first)) = (TAKEN.contains(&rule), rule.bytes().next()) {
        return format!("/rules/%{first:02X}{}", &rule[1..]);
    }
    let parts: Vec<String> = rule.split('/').map(encoded).collect();
    format!("/rules/{}", parts.join("/"))
}
