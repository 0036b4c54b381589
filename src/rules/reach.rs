//! Which messages the rules of a pack ask the model about.

use super::engine::MAX_HISTORY;
use super::pack::RulePack;
use super::rule::{Body, Matcher, Selection};

impl RulePack {
    /// How many messages before the judged one need the model's probabilities, because a rule asks for them; `None` if no rule
    /// asks the model at all.
    pub fn model_reach(&self) -> Option<usize> {
        let asking =
            (0..).zip(self.rules.iter()).filter(|(at, _)| !self.is_off(*at)).filter_map(|(_, compiled)| {
                let Body::Message { selections, .. } = &compiled.rule.body else { return None };
                let own = selections.iter().filter_map(reach).max()?;
                // A conversation rule looks for the rule in every message that it can see.
                Some(if compiled.referenced { MAX_HISTORY } else { own })
            });
        asking.max()
    }
}

fn reach(selection: &Selection) -> Option<usize> {
    matches!(selection.matcher, Matcher::Model { .. })
        .then(|| selection.previous.map_or(0, |previous| previous.within))
}
