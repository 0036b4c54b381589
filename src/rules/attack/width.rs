//! Width and case: ＬＩＮＥ, ﾗｲﾝ, lInE.

use rand::RngExt;
use rand::rngs::StdRng;
use unicode_normalization::char::decompose_canonical;

use super::{Target, map_chars};

/// From ASCII to its full-width form (Unicode block "Halfwidth and Fullwidth Forms").
const FULL_WIDTH: u32 = 0xFEE0;

/// Katakana in the order of their half-width forms, which begin at U+FF66.
const HALF_WIDTH: &str = "ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン";

/// Full-width letters, digits and signs.
pub fn full(target: &Target<'_>, _: &mut StdRng) -> Option<String> {
    target.chars().iter().any(char::is_ascii_alphanumeric).then_some(())?;
    map_chars(target, |c| c.is_ascii_graphic().then(|| char::from_u32(c as u32 + FULL_WIDTH)).flatten())
}

/// Half-width katakana, with the voicing mark as a character of its own.
pub fn half_kana(target: &Target<'_>, _: &mut StdRng) -> Option<String> {
    let mut out = String::new();
    let mut changed = false;
    for &c in target.chars() {
        let mut parts = Vec::new();
        decompose_canonical(c, |part| parts.push(part));
        let half: Option<String> = parts.iter().map(|part| half_width(*part)).collect();
        changed |= half.is_some();
        out.push_str(&half.unwrap_or_else(|| c.to_string()));
    }
    // A long-vowel mark alone is no katakana word.
    (changed && target.chars().iter().any(|c| ('ァ'..='ヺ').contains(c))).then_some(out)
}

fn half_width(c: char) -> Option<char> {
    match c {
        '\u{3099}' => Some('ﾞ'),
        '\u{309A}' => Some('ﾟ'),
        _ => HALF_WIDTH.chars().zip('\u{FF66}'..).find(|(full, _)| *full == c).map(|(_, half)| half),
    }
}

/// Capitals and small letters at random.
pub fn case(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let flipped = target.chars().iter().position(char::is_ascii_alphabetic)?;
    let mut offset = 0;
    map_chars(target, |c| {
        let flip = offset == flipped || chance.random_bool(0.5);
        offset += 1;
        (c.is_ascii_alphabetic() && flip)
            .then(|| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::whole;

    #[test]
    fn widths() {
        assert_eq!(whole("a-1 b", "full_width", 0).as_deref(), Some("ａ－１ ｂ"));
        assert_eq!(whole("ディスコード", "half_width_kana", 0).as_deref(), Some("ﾃﾞｨｽｺｰﾄﾞ"));
        assert_eq!(whole("らーめん", "half_width_kana", 0), None);
    }
}
