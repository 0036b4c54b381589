//! Rows for those who must not read text.

use crate::access::{Permission, Principal, masked};
use crate::contract::Span;
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
    for label in &mut row.labels {
        label.spans = Vec::<Span>::new();
        for part in &mut label.parts {
            part.spans = Vec::new();
        }
    }
}

/// The inquiry without its words.
pub(super) fn inquiry(row: &mut InquiryRow) {
    row.text = masked(&row.text);
    row.subject = row.subject.as_deref().map(masked);
}
