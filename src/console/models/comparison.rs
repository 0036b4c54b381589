//! What live models and models in shadow agreed on, as the page shows it.

use crate::console::handover::encoded;
use crate::console::layout::grouped;
use crate::console::routing::{tenths, wilson};
use crate::console::words::Words;
use crate::store::shadow::{ShadowCount, ShadowRuling, Side};

/// A pair of models and a policy.
pub(super) struct CountRow {
    pub(super) policy: String,
    pub(super) live: String,
    pub(super) shadow: String,
    pub(super) judged: String,
    pub(super) both: String,
    pub(super) neither: String,
    /// Count and address of the messages.
    pub(super) only_live: (String, String),
    pub(super) only_shadow: (String, String),
    pub(super) precision: String,
}

pub(super) fn rows(counts: &[ShadowCount], rulings: &[ShadowRuling], words: &Words) -> Vec<CountRow> {
    counts.iter().map(|count| row(count, rulings, words)).collect()
}

fn row(count: &ShadowCount, rulings: &[ShadowRuling], words: &Words) -> CountRow {
    let agreement = &count.agreement;
    let own =
        |one: &&ShadowRuling| one.pair == count.pair && one.policy == count.policy && one.side == Side::Live;
    CountRow {
        policy: words.policy(count.policy.as_str()),
        live: count.pair.live.clone(),
        shadow: count.pair.shadow.clone(),
        judged: grouped(agreement.total()),
        both: grouped(agreement.flagged),
        neither: grouped(agreement.clear),
        only_live: (grouped(agreement.only_live), address(count, Side::Live)),
        only_shadow: (grouped(agreement.only_shadow), address(count, Side::Shadow)),
        precision: precision(rulings.iter().find(own), words),
    }
}

fn address(count: &ShadowCount, side: Side) -> String {
    format!(
        "/models/differences?live={}&shadow={}&policy={}&side={}",
        encoded(&count.pair.live),
        encoded(&count.pair.shadow),
        encoded(count.policy.as_str()),
        side.as_str()
    )
}

/// Of what reviewers decided without doubt.
fn precision(ruling: Option<&ShadowRuling>, words: &Words) -> String {
    let decided = ruling.map_or(0, |one| one.violations + one.others);
    let Some(ruling) = ruling.filter(|_| decided > 0) else { return words.models.undecided.to_owned() };
    let (low, high) = wilson(ruling.violations, decided);
    let rate = tenths(ruling.violations as f64 / decided as f64);
    (words.models.precision)(&format!("{rate} ({}–{})", tenths(low), tenths(high)), decided)
}
