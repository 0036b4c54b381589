//! When changed files are worth a look: an editor may still be writing.

use super::selftest::Fingerprint;

/// Decides when what stands in the folders is worth trying. Pure.
#[derive(Debug)]
pub struct Settling {
    /// What was tried last, with success or without; `fixtures` is not known until the first look.
    tried: Fingerprint,
    fixtures_known: bool,
    /// What was there at the last look and has not been tried.
    pending: Option<Fingerprint>,
}

impl Settling {
    /// `version` of the files of the pack that was loaded at the start.
    pub fn since(version: &str) -> Self {
        let tried = Fingerprint { rules: version.to_owned(), fixtures: String::new() };
        Self { tried, fixtures_known: false, pending: None }
    }

    /// Whether what is seen now is to be tried: it differs from what was tried last and stood there at the look before, or
    /// somebody asks.
    pub fn is_due(&mut self, seen: Fingerprint, asked: bool) -> bool {
        if !self.fixtures_known {
            self.tried.fixtures.clone_from(&seen.fixtures);
            self.fixtures_known = true;
        }
        let settled = asked || seen != self.tried && self.pending.as_ref() == Some(&seen);
        if settled {
            self.tried = seen;
            self.pending = None;
        } else {
            self.pending = (seen != self.tried).then_some(seen);
        }
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(rules: &str, fixtures: &str) -> Fingerprint {
        Fingerprint { rules: rules.into(), fixtures: fixtures.into() }
    }

    #[test]
    fn a_change_is_tried_once_it_has_settled_and_only_once() {
        let mut changes = Settling::since("a");
        assert!(!changes.is_due(seen("a", "f"), false));
        assert!(!changes.is_due(seen("half", "f"), false), "an editor may be writing");
        assert!(!changes.is_due(seen("b", "f"), false), "and was");
        assert!(changes.is_due(seen("b", "f"), false));
        assert!(!changes.is_due(seen("b", "f"), false), "tried already, whatever came of it");
        assert!(!changes.is_due(seen("a", "f"), false));
        assert!(changes.is_due(seen("a", "f"), false), "taken back");
    }

    #[test]
    fn a_change_that_is_taken_back_before_the_next_look_is_none() {
        let mut changes = Settling::since("a");
        assert!(!changes.is_due(seen("b", "f"), false));
        assert!(!changes.is_due(seen("a", "f"), false));
        assert!(!changes.is_due(seen("b", "f"), false), "what was there before does not count");
        assert!(changes.is_due(seen("b", "f"), false));
    }

    #[test]
    fn changed_fixtures_are_a_change_too() {
        let mut changes = Settling::since("a");
        assert!(!changes.is_due(seen("a", "f"), false));
        assert!(!changes.is_due(seen("a", "g"), false));
        assert!(changes.is_due(seen("a", "g"), false));
    }

    #[test]
    fn who_asks_does_not_wait() {
        let mut changes = Settling::since("a");
        assert!(changes.is_due(seen("b", "f"), true));
        assert!(changes.is_due(seen("b", "f"), true), "also when nothing has changed");
        assert!(!changes.is_due(seen("b", "f"), false));
    }
}
