//! Text for those who must not read it.

/// Stands for one character.
const DOT: char = '•';

/// The same text with a dot for every character but white space: as long as before, in the same lines, and nothing else.
pub fn masked(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { c } else { DOT }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_stays_and_the_words_do_not() {
        assert_eq!(masked("LINEで 話す\n👍🏽"), "••••• ••\n••");
    }
}
