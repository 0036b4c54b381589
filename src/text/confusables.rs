//! Characters of other scripts that look like a Latin letter, after folding (lower case, NFKC).
//!
//! The table follows the idea of Unicode TR39 but is kept to what can pass for a letter of a Latin word: Cyrillic, Greek,
//! Armenian, Cherokee, small capitals and phonetic letters, and the kanji, kana and bopomofo that net cant uses so. The
//! complete TR39 table would also fold Japanese into itself, which this system must not do.

/// Letters of other alphabets. They count wherever they stand, because they are not Japanese.
pub fn foreign_letter(c: char) -> Option<char> {
    let index = FOREIGN.binary_search_by_key(&c, |entry| entry.0).ok()?;
    Some(FOREIGN[index].1)
}

/// Japanese and Chinese characters that look like a Latin letter. They count only inside a Latin word.
pub fn kanji_letter(c: char) -> Option<char> {
    Some(match c {
        '工' | 'エ' | '丨' | '亻' | 'ı' => 'i',
        '口' | 'ロ' | '囗' | '〇' | '○' | '◯' | '回' | '⭕' => 'o',
        'ㄥ' | '乚' | '㇄' | 'レ' | 'し' | 'ㇾ' => 'l',
        '几' | '冂' | '刀' | 'ㄇ' | 'ん' => 'n',
        '乇' | '巳' | '彡' | 'ヨ' | 'モ' => 'e',
        '丹' | '卂' | '日' | 'ム' => 'a',
        '乃' | '阝' => 'b',
        '匚' | 'ㄈ' | '⊂' | '∁' => 'c',
        '下' | '千' => 'f',
        '廾' | '卄' | 'ㄏ' => 'h',
        '片' => 'k',
        '爪' | '从' => 'm',
        '尸' | '卩' | 'ァ' => 'p',
        '尺' => 'r',
        '丂' | 'ち' => 's',
        '丁' | '丅' | 'ㄒ' | 'ナ' | '七' | 'イ' => 't',
        '凵' | 'ㄩ' => 'u',
        'ᐯ' | '∨' => 'v',
        '山' | 'ш' => 'w',
        '乂' | 'メ' | '×' | '✕' | '✖' | '❌' => 'x',
        'ㄚ' | '丫' => 'y',
        '乙' | 'ㄗ' => 'z',
        _ => return None,
    })
}

/// Digits and signs that stand for a letter ("leet").
pub fn leet(c: char) -> Option<char> {
    Some(match c {
        '0' => 'o',
        '1' | '|' | '!' | '¡' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        '9' => 'g',
        _ => return None,
    })
}

/// Sorted by character (a test sees to it).
#[rustfmt::skip]
const FOREIGN: &[(char, char)] = &[
    ('ø', 'o'), ('đ', 'd'), ('ħ', 'h'), ('ı', 'i'), ('ĸ', 'k'), ('ł', 'l'), ('ŧ', 't'), ('ƒ', 'f'),
    ('ƚ', 'l'), ('ɐ', 'a'), ('ɑ', 'a'), ('ɓ', 'b'), ('ɔ', 'c'), ('ɗ', 'd'), ('ə', 'e'), ('ɛ', 'e'),
    ('ɡ', 'g'), ('ɢ', 'g'), ('ɣ', 'y'), ('ɦ', 'h'), ('ɨ', 'i'), ('ɩ', 'i'), ('ɪ', 'i'), ('ɭ', 'l'),
    ('ɯ', 'w'), ('ɴ', 'n'), ('ɵ', 'o'), ('ɼ', 'r'), ('ɾ', 'r'), ('ʀ', 'r'), ('ʂ', 's'), ('ʋ', 'u'),
    ('ʏ', 'y'), ('ʐ', 'z'), ('ʙ', 'b'), ('ʜ', 'h'), ('ʟ', 'l'), ('α', 'a'), ('β', 'b'), ('γ', 'y'),
    ('ε', 'e'), ('η', 'n'), ('ι', 'i'), ('κ', 'k'), ('ν', 'v'), ('ο', 'o'), ('ρ', 'p'), ('ς', 'c'), ('σ', 'o'),
    ('τ', 't'), ('υ', 'u'), ('χ', 'x'), ('ω', 'w'), ('ϲ', 'c'), ('ϳ', 'j'), ('а', 'a'), ('в', 'b'),
    ('г', 'r'), ('е', 'e'), ('з', 'e'), ('и', 'n'), ('к', 'k'), ('м', 'm'), ('н', 'h'), ('о', 'o'),
    ('п', 'n'), ('р', 'p'), ('с', 'c'), ('т', 't'), ('у', 'y'), ('х', 'x'), ('ь', 'b'), ('я', 'r'),
    ('ё', 'e'), ('ѕ', 's'), ('і', 'i'), ('ї', 'i'), ('ј', 'j'), ('ѡ', 'w'), ('ѵ', 'v'), ('ү', 'y'),
    ('һ', 'h'), ('ӏ', 'l'), ('ԁ', 'd'), ('ԛ', 'q'), ('ԝ', 'w'), ('ա', 'w'), ('հ', 'h'), ('ղ', 'n'),
    ('յ', 'j'), ('ո', 'n'), ('ռ', 'n'), ('ս', 'u'), ('ց', 'g'), ('օ', 'o'), ('Ꭰ', 'd'), ('Ꭱ', 'r'),
    ('Ꭲ', 't'), ('Ꭵ', 'i'), ('Ꭺ', 'a'), ('Ꭻ', 'j'), ('Ꭼ', 'e'), ('Ꮃ', 'w'), ('Ꮇ', 'm'), ('Ꮋ', 'h'),
    ('Ꮐ', 'g'), ('Ꮓ', 'z'), ('Ꮟ', 'b'), ('Ꮢ', 'r'), ('Ꮩ', 'v'), ('Ꮪ', 's'), ('Ꮮ', 'l'), ('Ꮯ', 'c'),
    ('Ꮲ', 'p'), ('Ꮶ', 'k'), ('Ᏼ', 'b'), ('ᏼ', 'b'), ('ᴀ', 'a'), ('ᴄ', 'c'), ('ᴅ', 'd'), ('ᴇ', 'e'),
    ('ᴊ', 'j'), ('ᴋ', 'k'), ('ᴍ', 'm'), ('ᴏ', 'o'), ('ᴘ', 'p'), ('ᴛ', 't'), ('ᴜ', 'u'), ('ᴠ', 'v'),
    ('ᴡ', 'w'), ('ᴢ', 'z'), ('ꜰ', 'f'), ('ꜱ', 's'), ('ꭰ', 'd'), ('ꭱ', 'r'), ('ꭲ', 't'), ('ꭵ', 'i'),
    ('ꭺ', 'a'), ('ꭻ', 'j'), ('ꭼ', 'e'), ('ꮃ', 'w'), ('ꮇ', 'm'), ('ꮋ', 'h'), ('ꮐ', 'g'), ('ꮓ', 'z'),
    ('ꮟ', 'b'), ('ꮢ', 'r'), ('ꮩ', 'v'), ('ꮪ', 's'), ('ꮮ', 'l'), ('ꮯ', 'c'), ('ꮲ', 'p'), ('ꮶ', 'k'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_gives_latin_letters() {
        assert!(FOREIGN.is_sorted_by(|a, b| a.0 < b.0));
        assert!(FOREIGN.iter().all(|(_, letter)| letter.is_ascii_lowercase()));
        assert_eq!(foreign_letter('о'), Some('o'));
        assert_eq!(foreign_letter('o'), None);
    }
}
