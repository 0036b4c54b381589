//! Disguises of a word that folding cannot undo, because they lose a letter: ら○ん, イソスタ.
//!
//! They are written out as further literals of the pattern, which costs nothing per message.

use crate::text::{MASK, ViewKind, is_kana};

/// Kana that a run needs before a letter of it may be hidden or confused; shorter words would become other words.
const MIN_RUN: usize = 3;
/// Letters of one word that may be disguised at once.
const MAX_CHANGES: usize = 2;
/// The most variants that one word gets.
const MAX_VARIANTS: usize = 40;

/// The word itself first, then its disguises in this view.
pub fn variants(word: &str, view: ViewKind) -> Vec<String> {
    let mut forms = vec![word.to_owned()];
    if view != ViewKind::Kana {
        return forms;
    }
    let chars: Vec<char> = word.chars().collect();
    let places = changeable(&chars);
    if places.is_empty() {
        return forms;
    }
    // Breadth first, so that one change comes before two and the limit cuts the least likely.
    let mut layer: Vec<(Vec<char>, usize)> = vec![(chars, 0)];
    for _ in 0..MAX_CHANGES {
        let mut next = Vec::new();
        for (form, from) in &layer {
            for (order, (index, run)) in places.iter().enumerate().skip(*from) {
                // At most half of a run may be hidden, or nothing of the word is left.
                let changed = form.iter().filter(|c| **c == MASK).count();
                for substitute in substitutes(form[*index], *index > run.start) {
                    if substitute == MASK && (changed + 1) * 2 > run.len() {
                        continue;
                    }
                    let mut changed_form = form.clone();
                    changed_form[*index] = substitute;
                    next.push((changed_form, order + 1));
                }
            }
        }
        for (form, _) in &next {
            if forms.len() >= MAX_VARIANTS {
                return forms;
            }
            forms.push(form.iter().collect());
        }
        layer = next;
    }
    forms
}

/// Places in runs of at least [`MIN_RUN`] kana, with their run.
fn changeable(chars: &[char]) -> Vec<(usize, std::ops::Range<usize>)> {
    let mut places = Vec::new();
    let mut index = 0;
    while index < chars.len() {
        let length = chars[index..].iter().take_while(|c| is_kana(**c) || **c == 'ー').count();
        if length >= MIN_RUN {
            places.extend((index..index + length).map(|place| (place, index..index + length)));
        }
        index += length.max(1);
    }
    places
}

/// What may stand for a kana: the mask (never for the first, which the reader needs), and its look-alike in katakana.
fn substitutes(c: char, may_hide: bool) -> impl Iterator<Item = char> {
    let look_alike = match c {
        'ん' => Some('そ'),
        'そ' => Some('ん'),
        'つ' => Some('し'),
        'し' => Some('つ'),
        _ => None,
    };
    let mask = (may_hide && c != MASK).then_some(MASK);
    look_alike.into_iter().chain(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_confused_letters_are_written_out() {
        let forms = variants("らいん", ViewKind::Kana);
        assert_eq!(forms[0], "らいん");
        for form in ["ら○ん", "らい○", "らいそ"] {
            assert!(forms.iter().any(|found| found == form), "{form}: {forms:?}");
        }
        assert!(!forms.iter().any(|found| found == "ら○○"), "{forms:?}");
        assert!(variants("いんすた", ViewKind::Kana).contains(&"いそすた".to_owned()));
    }

    #[test]
    fn short_words_and_other_views_stay() {
        assert_eq!(variants("しね", ViewKind::Kana), ["しね"]);
        assert_eq!(variants("ライン", ViewKind::Folded), ["ライン"]);
        assert!(variants("あいうえおかきくけこさしすせそ", ViewKind::Kana).len() <= MAX_VARIANTS);
    }
}
