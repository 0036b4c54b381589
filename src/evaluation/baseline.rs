//! The keyword list that a support desk starts with: what rules and model are measured against.

use unicode_normalization::UnicodeNormalization;

/// One word a line.
const KEYWORDS: &str = include_str!("keywords.txt");

/// How many of the listed words the text holds, after NFKC and lower-casing.
pub fn keyword_score(text: &str) -> f64 {
    let folded: String = text.nfkc().collect::<String>().to_lowercase();
    KEYWORDS.lines().filter(|word| !word.is_empty() && folded.contains(word)).count() as f64
}
