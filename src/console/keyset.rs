//! The place in a list that is read by keyset: the row from which the address goes on, forward or backward.

use chrono::{DateTime, Utc};

use crate::store::review::Direction;

/// The row that `after` or `before` names, and the direction from it; both empty is the beginning. None if both are there, or what is there
/// names no row.
pub(super) fn place<C>(
    after: &str,
    before: &str,
    row: impl FnOnce(&str) -> Option<C>,
) -> Option<(Option<C>, Direction)> {
    match (after, before) {
        ("", "") => Some((None, Direction::Forward)),
        (after, "") => Some((Some(row(after)?), Direction::Forward)),
        ("", before) => Some((Some(row(before)?), Direction::Backward)),
        _ => None,
    }
}

/// Microseconds, of a time that PostgreSQL can compare.
pub(super) fn moment(text: &str) -> Option<DateTime<Utc>> {
    let micros = text.parse().ok()?;
    let known = (-8_000_000_000_000_000..=250_000_000_000_000_000).contains(&micros);
    DateTime::from_timestamp_micros(micros).filter(|_| known)
}
