//! What must hold for every text, whatever Unicode it is made of.

use proptest::prelude::*;

use super::folded::MAX_GROWTH;
use super::views::{ViewKind, Views};
use super::{Tokenizer, slice_chars};

/// Characters that folding treats specially, so that random texts meet its branches.
const SPICE: &str = "ラインらイソスタﾗｲﾝﾞ゛゜ーｰ〜～-‐・･.○◯〇*×☆ 　lL1I|!iιіＬⓛ🅻🇱工エロ口零一二三九〇ゼロキュウにしごoh nine0️⃣⃣9①❸@$\u{200B}\u{FE0F}\u{3099}\u{301}\u{20E3}ゝゞヽ々rnvvĄßﬁ㍻½\u{FDFA}\u{7F}の、。\n";

fn text() -> impl Strategy<Value = String> {
    let spice: Vec<char> = SPICE.chars().collect();
    let spicy = proptest::collection::vec(proptest::sample::select(spice), 0..40)
        .prop_map(|chars| chars.into_iter().collect::<String>());
    prop_oneof![
        spicy.clone(),
        any::<String>(),
        (spicy, "\\PC{0,12}", any::<String>()).prop_map(|(a, b, c)| format!("{a}{b}{c}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn every_place_of_every_view_lies_in_the_text(text in text()) {
        let views = Views::new(&text, tokenizer());
        let length = text.chars().count();
        for kind in ViewKind::ALL {
            let view = views.get(kind);
            prop_assert!(view.len() <= length * MAX_GROWTH, "{kind} grew to {} of {length}", view.len());
            prop_assert_eq!(view.len(), view.as_str().chars().count());
            let mut last = 0;
            for (index, (byte, c)) in view.as_str().char_indices().enumerate() {
                let source = view.source(index);
                prop_assert!(source.start < source.end && source.end <= length, "{kind}: {source:?} of {length}");
                prop_assert!(source.start >= last, "{kind}: places run backwards");
                last = source.start;
                prop_assert_eq!(view.original(byte..byte + c.len_utf8()), source.clone());
                prop_assert!(!slice_chars(&text, source).is_empty());
            }
        }
        for token in views.tokens() {
            prop_assert!(token.span.start < token.span.end && token.span.end <= length);
        }
    }

    #[test]
    fn folding_twice_is_folding_once(text in text()) {
        for kind in [ViewKind::Folded, ViewKind::Joined, ViewKind::Kana, ViewKind::Skeleton, ViewKind::Digits] {
            let once = kind.fold(&text);
            prop_assert_eq!(kind.fold(&once), once.clone(), "{} of {:?}", kind, text);
        }
    }
}

fn tokenizer() -> &'static Tokenizer {
    static TOKENIZER: std::sync::OnceLock<Tokenizer> = std::sync::OnceLock::new();
    TOKENIZER.get_or_init(|| Tokenizer::new().unwrap())
}
