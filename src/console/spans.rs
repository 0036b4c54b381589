//! Marks the parts of a text that sources point at.

use std::collections::BTreeSet;

use crate::contract::Label;

/// A stretch of the text with the same findings from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) text: String,
    /// What is found here, one note a line; empty where nothing is.
    pub(super) note: String,
}

impl Stretch {
    pub(super) fn is_marked(&self) -> bool {
        !self.note.is_empty()
    }

    /// No rule points here, only the model.
    pub(super) fn by_model_alone(&self) -> bool {
        self.is_marked() && self.note.lines().all(|source| source.starts_with("model:"))
    }
}

/// Cuts the text at every border of a span, so that overlapping and nested spans never tear a mark apart: each stretch names all
/// findings that cover it. Spans count Unicode scalar values; what lies beyond the text is ignored. The stretches together are
/// the text, unchanged.
pub(super) fn mark(text: &str, labels: &[Label]) -> Vec<Stretch> {
    let chars: Vec<char> = text.chars().collect();
    let spans: Vec<(usize, usize, String)> = labels
        .iter()
        .flat_map(|label| label.spans.iter().map(move |span| (span, label)))
        .map(|(span, label)| (span.start, span.end.min(chars.len()), note(label)))
        .filter(|(start, end, _)| start < end)
        .collect();
    let mut borders = BTreeSet::from([0, chars.len()]);
    borders.extend(spans.iter().flat_map(|(start, end, _)| [*start, *end]));
    let mut stretches: Vec<Stretch> = Vec::new();
    for (start, end) in borders.iter().zip(borders.iter().skip(1)) {
        let covering: BTreeSet<&str> = spans
            .iter()
            .filter(|(first, last, _)| first <= start && end <= last)
            .map(|(_, _, note)| note.as_str())
            .collect();
        let note = covering.into_iter().collect::<Vec<_>>().join("\n");
        let text = chars[*start..*end].iter();
        match stretches.last_mut() {
            // Two spans of one rule side by side, or one inside the other: one mark.
            Some(previous) if previous.note == note => previous.text.extend(text),
            _ => stretches.push(Stretch { text: text.collect(), note }),
        }
    }
    stretches
}

/// `rule:external_induction/line_id · contact`
fn note(label: &Label) -> String {
    match &label.subtype {
        Some(subtype) => format!("{} · {subtype}", label.source),
        None => label.source.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Policy, Span};
    use proptest::prelude::*;

    fn label(source: &str, subtype: Option<&str>, spans: &[(usize, usize)]) -> Label {
        let span = |&(start, end): &(usize, usize)| Span { start, end, text: String::new() };
        Label {
            policy: Policy::new("external_induction"),
            subtype: subtype.map(str::to_owned),
            score: 0.9,
            source: source.into(),
            spans: spans.iter().map(span).collect(),
            parts: vec![],
        }
    }

    fn shown(stretches: &[Stretch]) -> Vec<(&str, &str)> {
        stretches.iter().map(|stretch| (stretch.text.as_str(), stretch.note.as_str())).collect()
    }

    #[test]
    fn spans_count_scalar_values_not_bytes() {
        let stretches = mark("👍🏽よろしければLINEで😀", &[label("rule:p/line", Some("contact"), &[(8, 12)])]);
        assert_eq!(
            shown(&stretches),
            [("👍🏽よろしければ", ""), ("LINE", "rule:p/line · contact"), ("で😀", "")]
        );
    }

    #[test]
    fn overlapping_and_nested_spans_name_every_finding_of_a_stretch() {
        let labels = [label("rule:p/a", None, &[(1, 5)]), label("rule:p/b", None, &[(3, 7)])];
        let expected =
            [("0", ""), ("12", "rule:p/a"), ("34", "rule:p/a\nrule:p/b"), ("56", "rule:p/b"), ("789", "")];
        assert_eq!(shown(&mark("0123456789", &labels)), expected);
        let nested = [label("rule:p/a", None, &[(1, 9)]), label("rule:p/b", None, &[(4, 5)])];
        assert_eq!(
            shown(&mark("0123456789", &nested))[1..4],
            [("123", "rule:p/a"), ("4", "rule:p/a\nrule:p/b"), ("5678", "rule:p/a")]
        );
    }

    #[test]
    fn what_a_rule_found_is_not_the_models_alone() {
        let labels = [label("rule:p/a", None, &[(0, 2)]), label("model:p@1", None, &[(1, 3)])];
        let alone: Vec<bool> = mark("abcd", &labels).iter().map(Stretch::by_model_alone).collect();
        assert_eq!(alone, [false, false, true, false]);
    }

    #[test]
    fn spans_of_one_rule_that_touch_become_one_mark() {
        let labels = [label("rule:p/a", None, &[(2, 4), (0, 2), (1, 3)])];
        assert_eq!(shown(&mark("abcde", &labels)), [("abcd", "rule:p/a"), ("e", "")]);
    }

    #[test]
    fn empty_reversed_and_outlying_spans_do_no_harm() {
        let labels = [label("rule:p/a", None, &[(2, 2), (3, 1), (9, 12), (4, usize::MAX)])];
        assert_eq!(shown(&mark("abcde", &labels)), [("abcd", ""), ("e", "rule:p/a")]);
        assert!(mark("", &labels).is_empty());
    }

    proptest! {
        #[test]
        fn the_stretches_are_the_text(text in "\\PC{0,12}", spans in prop::collection::vec((0usize..15, 0usize..15), 0..5)) {
            let stretches = mark(&text, &[label("rule:p/a", None, &spans), label("model:p@1", None, &spans[..spans.len() / 2])]);
            let together: String = stretches.iter().map(|stretch| stretch.text.as_str()).collect();
            prop_assert_eq!(&together, &text);
            let mut position = 0;
            for stretch in stretches {
                let covered = |at: usize| spans.iter().any(|(start, end)| (*start..*end).contains(&at));
                for _ in stretch.text.chars() {
                    prop_assert_eq!(stretch.is_marked(), covered(position));
                    position += 1;
                }
            }
        }
    }
}
