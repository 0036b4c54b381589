//! The view `kana`: katakana and hiragana as one (hiragana), small kana as large, look-alike kanji among katakana read as
//! katakana, hidden letters as ○. Starts from the joined view.

use super::classes::{is_hiragana, is_japanese, is_kanji, is_katakana, is_mask};
use super::folded::fold;
use super::joined::join;
use super::line::{Line, Scratch, settle};
use super::table::Traits;

/// The one character that stands for a hidden letter in this view.
pub const MASK: char = '○';

/// Folds the joined view to hiragana. Says whether it changed anything.
pub fn to_kana(line: &mut Line, scratch: &mut Scratch) -> bool {
    if !once(line) {
        return false;
    }
    settle(line, scratch, |line, scratch| {
        let folded = fold(line, scratch);
        let joined = join(line, scratch);
        once(line) || folded || joined
    });
    true
}

fn once(line: &mut Line) -> bool {
    let Some(first) = line.chars.iter().position(|&c| Traits::of(c).changes_in_kana()) else { return false };
    let chars = &mut line.chars;
    let mut changed = false;
    for index in first..chars.len() {
        if Traits::of(chars[index]).changes_in_kana()
            && let Some(meant) = look_alike(chars[index])
            && stands_among_katakana(chars, index)
        {
            chars[index] = meant;
            changed = true;
        }
    }
    let mut previous = if first == 0 { ' ' } else { chars[first - 1] };
    for index in first..chars.len() {
        let c = chars[index];
        let made = if is_mask(c) {
            let hides =
                hides_beside(previous) || chars.get(index + 1).is_some_and(|&next| hides_beside(next));
            if hides { MASK } else { c }
        } else {
            fold_char(c)
        };
        previous = c;
        chars[index] = made;
        changed |= made != c;
    }
    changed
}

/// Whether this view may make something else of a character.
pub fn may_change(c: char) -> bool {
    fold_char(c) != c || is_mask(c) || look_alike(c).is_some()
}

fn hides_beside(c: char) -> bool {
    is_hiragana(c) || is_katakana(c) || c == 'ー' || is_mask(c)
}

/// One character without context: what the view makes of a kana, and what patterns for the view are folded with.
pub fn fold_char(c: char) -> char {
    let hiragana = match c {
        'ヷ' => 'わ',
        'ヸ' | 'ヹ' | 'ヺ' => 'お',
        '\u{31F0}'..='\u{31FF}' => match c {
            'ㇰ' => 'く',
            'ㇱ' => 'し',
            'ㇲ' => 'す',
            'ㇳ' => 'と',
            'ㇴ' => 'ぬ',
            'ㇵ' => 'は',
            'ㇶ' => 'ひ',
            'ㇷ' => 'ふ',
            'ㇸ' => 'へ',
            'ㇹ' => 'ほ',
            'ㇺ' => 'む',
            'ㇻ' => 'ら',
            'ㇼ' => 'り',
            'ㇽ' => 'る',
            'ㇾ' => 'れ',
            _ => 'ろ',
        },
        '\u{30A1}'..='\u{30F6}' => char::from_u32(c as u32 - 0x60).unwrap_or(c),
        _ => c,
    };
    match hiragana {
        'ぁ' => 'あ',
        'ぃ' => 'い',
        'ぅ' => 'う',
        'ぇ' => 'え',
        'ぉ' => 'お',
        'っ' => 'つ',
        'ゃ' => 'や',
        'ゅ' => 'ゆ',
        'ょ' => 'よ',
        'ゎ' => 'わ',
        'ゕ' => 'か',
        'ゖ' => 'け',
        _ => hiragana,
    }
}

/// Kanji and signs that look like a katakana.
fn look_alike(c: char) -> Option<char> {
    Some(match c {
        '工' => 'エ',
        '口' | '囗' => 'ロ',
        '力' => 'カ',
        '夕' => 'タ',
        '二' => 'ニ',
        '三' => 'ミ',
        '八' => 'ハ',
        '卜' => 'ト',
        '千' => 'チ',
        '才' => 'オ',
        '又' => 'ヌ',
        '匕' => 'ヒ',
        '厶' => 'ム',
        '乇' => 'モ',
        '〆' | '乂' => 'メ',
        '亻' => 'イ',
        '一' | '丨' | '-' | '|' => 'ー',
        _ => return None,
    })
}

/// Between two katakana, or at the end of a word that has at least two before.
fn stands_among_katakana(chars: &[char], index: usize) -> bool {
    let at =
        |offset: isize| index.checked_add_signed(offset).and_then(|i| chars.get(i)).copied().unwrap_or(' ');
    let katakana = |c: char| is_katakana(c) || c == 'ー';
    if !katakana(at(-1)) {
        return false;
    }
    // ー made of a stroke must have the word go on: 「ライン一つ」 counts something.
    let stroke = matches!(chars[index], '一' | '丨' | '-' | '|');
    katakana(at(1)) || (!stroke && katakana(at(-2)) && !is_japanese(at(1)) && !is_kanji(at(1)))
}

#[cfg(test)]
mod tests {
    use super::super::views::ViewKind;

    fn kana(text: &str) -> String {
        ViewKind::Kana.fold(text)
    }

    #[test]
    fn scripts_sizes_and_look_alikes_are_one() {
        for text in ["ライン", "ﾗｲﾝ", "らいん", "ラ・イ・ン", "ラ イ ン", "らィん"] {
            assert_eq!(kana(text), "らいん", "{text}");
        }
        assert_eq!(kana("ツイッター"), kana("ツイツター"));
        assert_eq!(kana("メ一ル"), kana("メール"));
        assert_eq!(kana("カカ才"), kana("カカオ"));
        assert_eq!(kana("メ｜ル"), kana("メール"));
    }

    #[test]
    fn a_hidden_letter_is_a_mask() {
        for text in ["ら○ん", "ラ●ン", "ラ〇ン", "ラ×ン", "ラ＊ン", "ラ※ン"] {
            assert_eq!(kana(text), "ら○ん", "{text}");
        }
        assert_eq!(kana("5×7cm ○月"), "5×7cm ○月");
    }

    #[test]
    fn kanji_words_stay() {
        for text in ["日本刀", "一口", "力士", "第一工場"] {
            assert_eq!(kana(text), text);
        }
        assert_eq!(kana("ビール一本"), "びーる一本");
        assert_eq!(kana("ライン工事"), "らいん工事");
    }
}
