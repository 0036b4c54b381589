//! Rows for those who must not read text.

use crate::access::{Permission, Principal, masked};
use crate::contract::Label;
use crate::store::{AlertRow, InquiryRow};

/// Whether the principal reads text as it is.
pub(super) fn reads(principal: &Principal) -> bool {
    principal.may(Permission::ReadText)
}

/// The alert without its words: texts masked, and nothing of what the findings matched.
pub(super) fn alert(row: &mut AlertRow) {
    row.text = masked(&row.text);
    for message in &mut row.earlier {
        message.text = masked(&message.text);
    }
    labels(&mut row.labels);
}

/// Findings without the words that they matched.
pub(super) fn labels(labels: &mut [Label]) {
    for label in labels {
        label.spans.clear();
        for part in &mut label.parts {
            part.spans.clear();
        }
    }
}

/// The inquiry without its words.
pub(super) fn inquiry(row: &mut InquiryRow) {
    row.text = masked(&row.text);
    row.subject = row.subject.as_deref().map(masked);
}
