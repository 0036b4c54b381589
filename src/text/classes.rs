//! Which kind of character one is. Ranges are from the Unicode blocks; only what folding needs.

/// Latin letters, the accented ones included.
pub fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}') && c != '×' && c != '÷'
}

/// Hiragana or katakana letters (not the marks ー and ・).
pub fn is_kana(c: char) -> bool {
    is_hiragana(c) || is_katakana(c)
}

pub fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}')
}

pub fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30A1}'..='\u{30FA}' | '\u{31F0}'..='\u{31FF}')
}

/// Chinese characters as Japanese writes them, with the repeat mark 々.
pub fn is_kanji(c: char) -> bool {
    matches!(c, '々' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}')
        || matches!(c, '\u{20000}'..='\u{323AF}')
}

/// Characters that Japanese words are written with.
pub fn is_japanese(c: char) -> bool {
    is_kana(c) || is_kanji(c) || c == 'ー'
}

/// Pictures, arrows, stars and the like, which people put between letters.
pub fn is_symbol(c: char) -> bool {
    matches!(c,
        '\u{2190}'..='\u{23FF}' | '\u{2500}'..='\u{27BF}' | '\u{2900}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}')
        && !is_flag_letter(c)
}

/// Letters that make flags in pairs, and words in rows: 🇱🇮🇳🇪.
pub fn is_flag_letter(c: char) -> bool {
    matches!(c, '\u{1F1E6}'..='\u{1F1FF}')
}

/// What stands in for a letter that the writer hides: ラ○ン, イ×スタ.
pub fn is_mask(c: char) -> bool {
    matches!(c, '○' | '●' | '◯' | '◎' | '〇' | '×' | '✕' | '✖' | '❌' | '⭕' | '*' | '※' | '□' | '■' | '△' | '▲' | '▽' | '▼' | '◇' | '◆' | '☆' | '★')
}

/// Punctuation that people put between letters without meaning anything by it. Spaces and sentence marks are not here.
pub fn is_separator(c: char) -> bool {
    is_mask(c) && c != '〇'
        || is_symbol(c)
        || matches!(c,
            '・' | '･' | '·' | '•' | '‧' | '.' | ',' | '-' | '_' | '/' | '\\' | '|' | '¦' | '+' | '=' | '^' | '\'' | '`'
            | '"' | ':' | ';' | '~' | '〜' | '#' | '&' | '⁄' | '∕' | '♡' | '♥' | '♪' | '゠')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_do_not_overlap_where_folding_relies_on_it() {
        for code in 0..=0x3FFFF_u32 {
            let Some(c) = char::from_u32(code) else { continue };
            let letters = [is_latin(c), is_kana(c), is_kanji(c)];
            assert!(letters.iter().filter(|&&yes| yes).count() <= 1, "{c:?} is of two scripts");
            assert!(!is_separator(c) || !(is_latin(c) || is_kana(c) || is_kanji(c)), "{c:?} is letter and separator");
        }
    }
}
