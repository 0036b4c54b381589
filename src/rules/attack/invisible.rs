//! Characters that a reader does not see, or sees through: zero-width, variation selectors, marks over letters.

use rand::rngs::StdRng;

use super::{Target, choose, insert_after, some_of};

const ZERO_WIDTH: &[char] = &['\u{200B}', '\u{200C}', '\u{200D}', '\u{2060}', '\u{FEFF}', '\u{AD}'];
const SELECTORS: &[char] = &['\u{FE00}', '\u{FE0E}', '\u{FE0F}', '\u{E0100}', '\u{E0101}'];
const MARKS: &[char] = &['\u{301}', '\u{308}', '\u{323}', '\u{332}', '\u{335}', '\u{336}'];

/// Zero-width characters inside words.
pub fn zero_width(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let chars = target.chars();
    let inside: Vec<usize> = (1..chars.len())
        .filter(|index| chars[*index].is_alphanumeric() && chars[*index - 1].is_alphanumeric())
        .map(|index| index - 1)
        .collect();
    let places = some_of(&inside, chance);
    insert_after(target, &places, || choose(ZERO_WIDTH, chance).unwrap_or('\u{200B}'))
}

/// Variation selectors after letters.
pub fn variation_selector(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let letters = offsets(target, char::is_alphabetic);
    let places = some_of(&letters, chance);
    insert_after(target, &places, || choose(SELECTORS, chance).unwrap_or('\u{FE0F}'))
}

/// Combining marks over, under and through Latin letters.
pub fn combining(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let letters = offsets(target, |c| c.is_ascii_alphabetic());
    let places = some_of(&letters, chance);
    insert_after(target, &places, || choose(MARKS, chance).unwrap_or('\u{332}'))
}

fn offsets(target: &Target<'_>, wanted: impl Fn(char) -> bool) -> Vec<usize> {
    target.chars().iter().enumerate().filter(|(_, c)| wanted(**c)).map(|(offset, _)| offset).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::whole;

    #[test]
    fn invisible_characters_stand_inside_words_only() {
        for seed in 0..20 {
            let new = whole("あ b", "zero_width", seed);
            assert_eq!(new, None, "nothing has an inside here");
            let new = whole("口座", "zero_width", seed).unwrap();
            assert!(new.starts_with('口') && new.ends_with('座') && new.chars().count() == 3, "{new:?}");
        }
        assert!(whole("line", "combining_marks", 3).unwrap().chars().count() > 4);
    }
}
