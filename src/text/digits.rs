//! The view `digits`: numbers as plain digits, however they are written, with what separates them gone. The rest of the
//! text stays, so that a pattern can still see 「番号は」 before the number. Starts from the folded view.

use super::classes::{is_japanese, is_kana, is_latin, is_symbol};
use super::line::{Line, Scratch, Source};
use super::table::Traits;

/// Number words, those with the same first character together, longest first where one begins with another. The flag says that the word alone proves nothing: it counts
/// only in a longer row with a sure one.
const WORDS: &[(&str, &str, Sureness)] = &[
    ("ゼロ", "0", Sureness::Sure),
    ("ぜろ", "0", Sureness::Sure),
    ("レイ", "0", Sureness::Weak),
    ("れい", "0", Sureness::Weak),
    ("マル", "0", Sureness::Weak),
    ("まる", "0", Sureness::Weak),
    ("イチ", "1", Sureness::Sure),
    ("いち", "1", Sureness::Weak),
    ("ワン", "1", Sureness::Weak),
    ("ニー", "2", Sureness::Weak),
    ("ニ", "2", Sureness::Weak),
    ("にい", "2", Sureness::Weak),
    ("に", "2", Sureness::Weak),
    ("サン", "3", Sureness::Sure),
    ("さん", "3", Sureness::Weak),
    ("ヨン", "4", Sureness::Sure),
    ("よん", "4", Sureness::Sure),
    ("シ", "4", Sureness::Weak),
    ("シチ", "7", Sureness::Sure),
    ("し", "4", Sureness::Weak),
    ("しち", "7", Sureness::Sure),
    ("ゴー", "5", Sureness::Weak),
    ("ゴ", "5", Sureness::Weak),
    ("ごう", "5", Sureness::Weak),
    ("ご", "5", Sureness::Weak),
    ("ロク", "6", Sureness::Sure),
    ("ろく", "6", Sureness::Sure),
    ("ナナ", "7", Sureness::Sure),
    ("なな", "7", Sureness::Sure),
    ("ハチ", "8", Sureness::Sure),
    ("はち", "8", Sureness::Sure),
    ("キュウ", "9", Sureness::Sure),
    ("キュー", "9", Sureness::Sure),
    ("きゅう", "9", Sureness::Sure),
    ("きゅー", "9", Sureness::Sure),
    ("ク", "9", Sureness::Weak),
    ("く", "9", Sureness::Weak),
    ("zero", "0", Sureness::Sure),
    ("oh", "0", Sureness::Sure),
    ("one", "1", Sureness::Sure),
    ("o", "0", Sureness::Weak),
    ("nought", "0", Sureness::Sure),
    ("nine", "9", Sureness::Sure),
    ("two", "2", Sureness::Sure),
    ("three", "3", Sureness::Sure),
    ("four", "4", Sureness::Sure),
    ("five", "5", Sureness::Sure),
    ("six", "6", Sureness::Sure),
    ("seven", "7", Sureness::Sure),
    ("eight", "8", Sureness::Sure),
    ("l", "1", Sureness::Weak),
    ("i", "1", Sureness::Weak),
];

/// Spelled-out digits that a row needs before it is read as a number.
const MIN_SPELLED: usize = 3;
/// The same where most of its members are single kana, which are also particles and syllables.
const MIN_WEAK: usize = 4;
/// Characters that may separate two digits of one number.
const MAX_GAP: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sureness {
    /// A digit or kanji digit as such.
    Plain,
    /// Chinese digits: a number only beside another digit.
    Kanji,
    /// A number word.
    Sure,
    /// Something that is a number word only among others.
    Weak,
}

/// One digit of the text: its value, and where it stands in the folded view.
struct Digit {
    value: char,
    times: usize,
    start: usize,
    end: usize,
    sureness: Sureness,
}

impl Digit {
    fn write(&self, line: &Line, out: &mut Line) {
        let source = Source { start: line.sources[self.start].start, end: line.sources[self.end - 1].end };
        (0..self.times).for_each(|_| out.push(self.value, source));
    }

    fn is_spelled(&self) -> bool {
        matches!(self.sureness, Sureness::Sure | Sureness::Weak)
    }
}

/// Folds numbers to plain digits. Takes the folded view; says whether it changed anything.
pub fn to_digits(line: &mut Line, scratch: &mut Scratch) -> bool {
    let begins = |&c: &char| Traits::of(c).begins_number();
    let Some(first) = line.chars.iter().position(begins) else { return false };
    let mut out = scratch.lend();
    let mut row = Vec::new();
    let mut copied = 0;
    let mut index = first;
    while index < line.len() {
        if !begins(&line.chars[index]) {
            index += 1;
            continue;
        }
        read_row(&line.chars, index, &mut row);
        if may_hold_number(&row) {
            for number in numbers(&line.chars, &row) {
                out.extend(line, copied..number[0].start);
                number.iter().for_each(|digit| digit.write(line, &mut out));
                copied = number[number.len() - 1].end;
            }
        }
        // What the row holds besides is text; every character is read a bounded number of times.
        index = row.last().map_or(index + 1, |digit| digit.end);
    }
    let changed = copied > 0 && {
        out.extend(line, copied..line.len());
        out.chars != line.chars
    };
    if changed {
        std::mem::swap(line, &mut out);
    }
    scratch.give_back(out);
    changed
}

/// A quick look at a row: single syllables and kanji digits stand in every Japanese sentence.
fn may_hold_number(row: &[Digit]) -> bool {
    match row {
        [] => false,
        [one] => one.sureness == Sureness::Plain || one.times > 1,
        _ => row.iter().any(|digit| digit.sureness != Sureness::Weak),
    }
}

/// Reads digits from `start` on, over separators, as far as they go.
fn read_row(chars: &[char], start: usize, row: &mut Vec<Digit>) {
    row.clear();
    let mut at = start;
    loop {
        let mut times = 1;
        let mut from = at;
        for (word, count) in [("double ", 2), ("triple ", 3)] {
            if starts_word(chars, at, word) {
                times = count;
                from = at + word.len();
            }
        }
        let Some((value, length, sureness)) = read_digit(chars, from, !row.is_empty()) else { break };
        row.push(Digit { value, times, start: at, end: from + length, sureness });
        at = from + length;
        let gap = chars[at..].iter().take(MAX_GAP).take_while(|&&c| Traits::of(c).divides_digits()).count();
        if gap == MAX_GAP && chars.get(at + gap).is_some_and(|&c| Traits::of(c).divides_digits()) {
            break;
        }
        at += gap;
        if at >= chars.len() {
            break;
        }
    }
}

fn starts_word(chars: &[char], at: usize, word: &str) -> bool {
    let mut rest = chars.get(at..).unwrap_or_default().iter();
    word.chars().all(|c| rest.next() == Some(&c))
}

/// Whether [`read_row`] may find something at this character.
pub fn begins_number(c: char) -> bool {
    c.is_ascii_digit() || kanji_digit(c).is_some() || first_word(c) > 0 || matches!(c, 'd' | 't')
}

/// One more than the index of the first word in [`WORDS`] that begins with `c`; 0 for none.
pub fn first_word(c: char) -> u8 {
    WORDS.iter().position(|(word, ..)| word.starts_with(c)).map_or(0, |index| index as u8 + 1)
}

/// Between digits these mean nothing. 「の」 is how a Japanese speaker reads the dash of a phone number.
pub fn divides(c: char) -> bool {
    matches!(
        c,
        ' ' | '-'
            | '.'
            | ','
            | '・'
            | '/'
            | '('
            | ')'
            | '_'
            | '〜'
            | '*'
            | '+'
            | '|'
            | '~'
            | 'の'
            | 'ノ'
            | 'ー'
            | '、'
            | '\''
            | '–'
            | ';'
            | '\n'
    ) || (is_symbol(c) && kanji_digit(c).is_none())
}

fn read_digit(chars: &[char], at: usize, inside: bool) -> Option<(char, usize, Sureness)> {
    let c = *chars.get(at)?;
    if c.is_ascii_digit() {
        return Some((c, 1, Sureness::Plain));
    }
    if let Some(value) = kanji_digit(c) {
        return Some((value, 1, Sureness::Kanji));
    }
    // A Latin word must stand alone; a row may not begin inside a word either.
    let previous = at.checked_sub(1).map_or(' ', |i| chars[i]);
    let first = usize::from(Traits::of(c).word);
    let words = if first == 0 { &[] } else { &WORDS[first - 1..] };
    for (word, value, sureness) in words {
        if !word.starts_with(c) {
            break;
        }
        if !starts_word(chars, at, word) {
            continue;
        }
        let length = word.chars().count();
        let next = chars.get(at + length).copied().unwrap_or(' ');
        if is_latin(c) && (is_latin(previous) || is_latin(next)) {
            continue;
        }
        if is_kana(c) && !inside && is_kana(previous) && *sureness == Sureness::Weak {
            continue;
        }
        return value.chars().next().map(|digit| (digit, length, *sureness));
    }
    None
}

fn kanji_digit(c: char) -> Option<char> {
    Some(match c {
        '〇' | '零' | '○' | '◯' => '0',
        '一' | '壱' | '壹' => '1',
        '二' | '弐' => '2',
        '三' | '参' => '3',
        '四' => '4',
        '五' | '伍' => '5',
        '六' => '6',
        '七' => '7',
        '八' => '8',
        '九' => '9',
        _ => return None,
    })
}

/// The parts of a row that are numbers. A row is cut where number words stand that are more likely words.
fn numbers<'r>(chars: &[char], row: &'r [Digit]) -> Vec<&'r [Digit]> {
    let sure = row.iter().filter(|digit| digit.sureness != Sureness::Weak).count();
    let mut found = Vec::new();
    let mut from = 0;
    let mut at = 0;
    while at < row.len() {
        let spelled = row[at].is_spelled();
        let end = at + row[at..].iter().take_while(|digit| digit.is_spelled() == spelled).count();
        if spelled {
            let kept = at + spelled_length(chars, row, at..end, sure);
            if kept < end {
                found.push(&row[from..kept]);
                from = end;
            }
        }
        at = end;
    }
    found.push(&row[from..]);
    found.retain(|part| is_number(part));
    found
}

/// How many members of a run of number words belong to the number around it.
fn spelled_length(chars: &[char], row: &[Digit], run: std::ops::Range<usize>, sure_in_row: usize) -> usize {
    let members = &row[run.clone()];
    let sure = members.iter().filter(|digit| digit.sureness == Sureness::Sure).count();
    if sure == 0 {
        // O and l among digits (O9O-l234): a letter alone that touches a digit of a long number.
        let touching = |index: usize| {
            index > 0 && row[index - 1].end == row[index].start
                || row.get(index + 1).is_some_and(|next| next.start == row[index].end)
        };
        let letters = run.clone().all(|index| is_latin(chars[row[index].start]) && touching(index));
        return if letters && sure_in_row >= MIN_WEAK { members.len() } else { 0 };
    }
    if members.len() - sure > sure && members.len() < MIN_WEAK {
        return 0;
    }
    // At the tail a single kana is a particle when the sentence goes on: 「ハチに電話」.
    let goes_on = row[run.end - 1..].len() == 1
        && chars.get(row[run.end - 1].end).is_some_and(|&c| is_japanese(c) || is_latin(c));
    let particles = members
        .iter()
        .rev()
        .take_while(|digit| digit.sureness == Sureness::Weak && digit.end - digit.start == 1);
    if goes_on { members.len() - particles.count() } else { members.len() }
}

/// Enough digits to be a number. A lone kanji digit is a word (一緒, 八百屋).
fn is_number(part: &[Digit]) -> bool {
    let count: usize = part.iter().map(|digit| digit.times).sum();
    if part.iter().any(Digit::is_spelled) {
        return count >= MIN_SPELLED;
    }
    count >= 2 || part.iter().any(|digit| digit.sureness == Sureness::Plain)
}

#[cfg(test)]
mod tests {
    use super::super::views::ViewKind;
    use super::*;

    fn digits(text: &str) -> String {
        ViewKind::Digits.fold(text)
    }

    #[test]
    fn a_phone_number_in_every_dress() {
        for text in [
            "090-1234-5678",
            "０９０－１２３４－５６７８",
            "零九零一二三四五六七八",
            "〇九〇-一二三四-五六七八",
            "ゼロキュウゼロ イチニサンヨン ゴロクナナハチ",
            "ぜろきゅうぜろいちにさんよんごろくななはち",
            "①".replace('①', "⓪⑨⓪①②③④⑤⑥⑦⑧").as_str(),
            "0️⃣9️⃣0️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣",
            "oh nine oh one two three four five six seven eight",
            "zero-nine-zero 1234 five six seven eight",
            "090の1234の5678",
            "O9O-l234-5678",
            "０九0・①2③4・五６7八",
            "090🌟1234🌟5678",
        ] {
            assert_eq!(digits(text), "09012345678", "{text}");
        }
        assert_eq!(digits("(090) 1234 5678"), "(09012345678");
        assert_eq!(digits("090-1234-5678に電話"), "09012345678に電話");
        assert_eq!(digits("double five one two"), "5512");
        assert_eq!(digits("番号は零九零一二三四です"), "番号は0901234です");
    }

    #[test]
    fn words_stay_words() {
        for text in [
            "一緒に",
            "サンダル",
            "ゼロから",
            "西さんご",
            "one of them",
            "さんご",
            "いちご",
            "にしさん",
            "田中さん12個",
            "12に34",
            "八百屋",
            "三軒茶屋",
            "for two or three",
        ] {
            assert_eq!(digits(text), text, "{text}");
        }
        assert_eq!(digits("3個で1,200円"), "3個で1200円");
    }

    #[test]
    fn a_hit_maps_back_to_the_words() {
        let sent = "tel: oh nine oh!";
        let view = ViewKind::Digits.view(sent);
        let at = view.as_str().find("090").unwrap();
        assert_eq!(view.original(at..at + 3), 5..15);
    }

    #[test]
    fn words_with_the_same_first_character_stand_together() {
        for (index, (word, ..)) in WORDS.iter().enumerate() {
            let c = word.chars().next().unwrap();
            let first = usize::from(first_word(c)) - 1;
            assert!(WORDS[first..=index].iter().all(|(other, ..)| other.starts_with(c)), "{word}");
        }
    }
}
