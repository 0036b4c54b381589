//! Rules, patterns and messages made up by a seeded generator, and the clock that the benches read.

#![allow(dead_code)]

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use criterion::Criterion;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use mimamori::rules::{RulePack, SourceFile};
use rand::prelude::*;

/// Processor time of the running thread: on a machine that others use too, wall time measures the neighbours.
pub struct ThreadTime;

static WALL: WallTime = WallTime;

impl Measurement for ThreadTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        thread_time()
    }

    fn end(&self, start: Duration) -> Duration {
        thread_time().saturating_sub(start)
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WALL.formatter()
    }
}

#[repr(C)]
struct TimeSpec {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    /// POSIX; the standard library links it but offers no clock of a thread or process.
    safe fn clock_gettime(clock: i32, time: &mut TimeSpec) -> i32;
}

/// `CLOCK_PROCESS_CPUTIME_ID` and `CLOCK_THREAD_CPUTIME_ID` of 64-bit Linux.
const PROCESS_CLOCK: i32 = 2;
const THREAD_CLOCK: i32 = 3;

fn clock(clock: i32) -> Duration {
    let mut time = TimeSpec { seconds: 0, nanoseconds: 0 };
    assert_eq!(clock_gettime(clock, &mut time), 0, "Linux counts processor time");
    Duration::new(time.seconds as u64, time.nanoseconds as u32)
}

/// Processor time of the running thread.
pub fn thread_time() -> Duration {
    clock(THREAD_CLOCK)
}

/// Processor time of all threads.
pub fn process_time() -> Duration {
    clock(PROCESS_CLOCK)
}

pub fn criterion() -> Criterion<ThreadTime> {
    Criterion::default().with_measurement(ThreadTime).sample_size(20)
}

/// The pack that the program ships.
pub fn shipped() -> RulePack {
    RulePack::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")).expect("the rules are committed")
}

/// Ordinary Japanese messages of about 40 characters, some with a reason for a rule to look twice.
pub const MESSAGES: [&str; 8] = [
    "先日はありがとうございました。明日の夕方までに発送できますので、もう少しお待ちください。",
    "コメント失礼します、こちらの商品は即購入しても大丈夫でしょうか？よろしくお願いします。",
    "よろしければLINEのIDを教えてください。直接取引のほうが手数料がかからないのでお得です！",
    "お値段の交渉は可能でしょうか、3,000円くらいになると嬉しいのですがいかがですか😊",
    "サイズはMで間違いないですか？着丈と身幅を測って写真を載せていただけると助かります♪",
    "本日ヤマト運輸さんにお渡ししました。到着まで二、三日かかると思いますのでお待ちください",
    "はじめまして。プロフィール拝見しました、まとめ買いの値引きはお願いできますでしょうか。",
    "届いた箱が少しつぶれていましたが、中身は無事でした。丁寧な対応をありがとうございました",
];

const KANJI: &str = "金銀銅鉄木水火土山川海空星月花草鳥魚虫犬馬牛羊米茶酒塩糖油紙布糸針石砂岩島港橋道駅車船機器具箱袋服靴帽傘鏡時計画音楽書本文字言葉話電気熱光影色形線点面角";
const SYLLABLES: [&str; 16] =
    ["ka", "mo", "ri", "ten", "so", "lu", "ne", "pi", "ban", "do", "gra", "shi", "vo", "wex", "yu", "zan"];
const FILLERS: [&str; 20] = [
    "よろしくお願いします",
    "ありがとうございます",
    "発送は明日になります",
    "購入を考えています",
    "お値下げできますか",
    "写真を追加しました",
    "了解いたしました",
    "サイズを教えて下さい",
    "届きましたので評価します",
    "少々お待ち下さい",
    "状態はとても良いです",
    "コメント失礼します",
    "プレゼント用です",
    "thanks for the quick reply",
    "is this still available",
    "送料込みですか",
    "楽しみにしています",
    "箱はありません",
    "新品未使用です",
    "承知しました",
];

/// A seeded source of words that look Japanese or Latin.
pub struct Generator(StdRng);

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    fn kanji_word(&mut self) -> String {
        let kanji: Vec<char> = KANJI.chars().collect();
        (0..2).map(|_| kanji[self.0.random_range(0..kanji.len())]).collect()
    }

    fn latin_word(&mut self) -> String {
        (0..3).map(|_| SYLLABLES[self.0.random_range(0..SYLLABLES.len())]).collect()
    }

    /// Different patterns like `借金.{0,12}返済` and `word[0-9]*`, half of each.
    pub fn patterns(&mut self, count: usize) -> Vec<String> {
        let mut patterns = Vec::new();
        let mut seen = HashSet::new();
        while patterns.len() < count {
            let pattern = if patterns.len() % 2 == 0 {
                format!("{}.{{0,12}}{}", self.kanji_word(), self.kanji_word())
            } else {
                format!("{}[0-9]*", self.latin_word())
            };
            if seen.insert(pattern.clone()) {
                patterns.push(pattern);
            }
        }
        patterns
    }

    /// Messages of about 70 bytes. One in twenty holds a word of a pattern, one in forty all that a pattern asks for.
    pub fn messages(&mut self, count: usize, patterns: &[String]) -> Vec<String> {
        (0..count)
            .map(|_| {
                let mut text = String::new();
                if self.0.random_ratio(1, 20) {
                    let pattern = &patterns[self.0.random_range(0..patterns.len())];
                    let whole = self.0.random_bool(0.5);
                    let tail = if whole {
                        pattern.replace(".{0,12}", "の").replace("[0-9]*", "7")
                    } else {
                        pattern.split(['.', '[']).next().unwrap_or_default().to_owned()
                    };
                    text.push_str(&tail);
                    text.push(' ');
                }
                while text.len() < 55 {
                    text.push_str(FILLERS[self.0.random_range(0..FILLERS.len())]);
                    text.push('、');
                }
                text
            })
            .collect()
    }

    /// A pack of as many rules, each with a pattern, a list of words and an excuse.
    pub fn pack(&mut self, patterns: &[String]) -> RulePack {
        compile(patterns, |pattern| {
            format!(
                "  asks: {{re: '{pattern}'}}\n  words: {{any: [{}, {}]}}\n  fine: {{any: [{}]}}\n  \
                 condition: (asks or words) and not fine\n",
                self.kanji_word() + "を" + &self.kanji_word(),
                self.kanji_word() + "と" + &self.kanji_word(),
                self.kanji_word() + "に" + &self.kanji_word(),
            )
        })
    }

    /// A pack with nothing but these patterns.
    pub fn bare_pack(patterns: &[String]) -> RulePack {
        compile(patterns, |pattern| format!("  asks: {{re: '{pattern}'}}\n  condition: asks\n"))
    }
}

/// A rule for each pattern, with what `detection` says of it.
fn compile(patterns: &[String], mut detection: impl FnMut(&str) -> String) -> RulePack {
    let files: Vec<SourceFile> = patterns
        .iter()
        .enumerate()
        .map(|(index, pattern)| SourceFile {
            name: format!("generated/rule{index}.yml"),
            stem: format!("generated/rule{index}"),
            text: format!(
                "title: Generated\nstatus: test\npolicy: external_induction\nsubtype: contact\nlang: [ja]\n\
                 message: generated\ndetection:\n{}",
                detection(pattern)
            ),
        })
        .collect();
    RulePack::compile(&files)
        .unwrap_or_else(|found| panic!("the generated rules are in order: {:?}", found.first()))
}

/// Messages of 100 kB in shapes that cost a careless folding most.
pub fn shapes() -> Vec<(&'static str, String)> {
    let fill = |unit: &str| unit.repeat(100_000 / unit.len());
    vec![
        ("Japanese", fill(MESSAGES[2])),
        ("English", fill("is this still available? i can pay today, please write to me. ")),
        ("digits", fill("0123456789")),
        ("digits and separators", fill("0-9 0-1 2.3 ")),
        ("kanji numerals", fill("零九〇一二三四五六七八")),
        ("number words", fill("ゼロキュウいちにし")),
        ("masks", fill("○×●◯*")),
        ("masked kana", fill("ら○ん")),
        ("combining marks", fill("a\u{301}\u{302}\u{3099}\u{332}")),
        ("one letter, all marks", format!("a{}", fill("\u{301}"))),
        ("single letters", fill("l.i.n.e ")),
        ("single kana", fill("ラ・イ・ン ")),
        ("ligatures that grow", fill("㌖㍻ﬃ")),
        ("U+FDFA", fill("\u{FDFA}")),
        ("emoji", fill("😊🇱🇮👍🏽")),
        ("invisible", fill("a\u{200B}\u{FE0F}")),
        ("leet", fill("p@yp4l 1!ne $n4p ")),
        ("look-alikes", fill("ㄥ工几乇")),
        ("dashes", fill("ー-〜～‐")),
        ("one letter", fill("a")),
        ("one kana", fill("ア")),
        ("spaces", fill(" ")),
        ("lines", fill("\n")),
        ("addresses", fill("a@a.b@")),
        ("rare kanji", fill("𠀀")),
        ("mixed", fill("Ｌ1NE😊ラ○ン零九零-①②③a\u{301}㌖ \u{200B}ok! ")),
    ]
}
