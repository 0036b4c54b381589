//! The review of alerts: [`queue`] lists them, [`page`] shows one, [`acts`] does what the buttons say, [`figures`] counts decisions.
//!
//! Pages that are only read write nothing: an alert is claimed by a button, also where a script presses it.

mod acts;
mod asked;
mod figures;
mod page;
mod warnings;

pub(super) use acts::{
    LONGEST_NOTE, LONGEST_SUBTYPE, claim, decide, hide, leave, next, next_of, previous_of, reach, release,
    renew, restore, undo, warn,
};
pub(super) use asked::{Asked, ROWS, cursor, place};
pub(super) use figures::{COUNTED, bounded, csv as figures_csv, page as figures_page};
pub(super) use page::{Other, Said, other, page as alert_page, said};
pub(super) use warnings::text as warning_text;
