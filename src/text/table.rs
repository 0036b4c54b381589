//! What folding asks of a character, looked up instead of worked out.
//!
//! The answers come from the predicates of the views. Blocks of 256 characters are worked out when the first of them is met,
//! so that the start of the program pays nothing, and a text of any script is folded at the same cost per character.

use std::sync::OnceLock;

use super::{classes, digits, folded, joined, kana, skeleton};

/// What a character means to the foldings.
#[derive(Debug, Clone, Copy)]
pub struct Traits {
    /// The one character that normalising makes of it where nothing combines with it; `None` if it gives none or several.
    pub alone: Option<char>,
    /// The Latin letter that it is, whatever stands beside it; 0 for none.
    pub letter: u8,
    /// One more than the index of the first number word that begins with it; 0 for none.
    pub word: u8,
    flags: u16,
}

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $method:ident, $bit:literal;)*) => {
        $(const $name: u16 = 1 << $bit;)*
        impl Traits {
            $($(#[$doc])* #[inline] pub fn $method(self) -> bool { self.flags & $name != 0 })*
        }
    };
}

flags! {
    /// Nothing before it can combine with it.
    CLOSES = closes, 0;
    /// Normalising drops it without ending a stretch.
    INVISIBLE = is_invisible, 1;
    /// Nothing combines with it, on either side.
    ALONE = is_alone, 2;
    /// A dash, wave, repeat mark, quotation mark or space that is unified with others.
    MARK = is_mark, 3;
    /// May stand between two members of a row of single letters.
    GAP = is_gap, 4;
    /// May be a member of such a row.
    MEMBER = is_member, 5;
    JAPANESE = is_japanese, 6;
    /// A separator that never stands for a hidden letter.
    SEPARATOR = is_plain_separator, 7;
    /// May stand for a letter inside a Latin word.
    SIGN = is_sign, 8;
    /// A mark over or through the character before it.
    COMBINING = is_combining, 9;
    /// The view `kana` may make something else of it.
    KANA = changes_in_kana, 10;
    /// A number may begin with it.
    NUMBER = begins_number, 11;
    /// May separate two digits of one number.
    DIVIDES = divides_digits, 12;
    /// Normalising makes several characters of it where nothing combines with it: see [`Traits::several`].
    SEVERAL = gives_several, 13;
}

const BLOCK: usize = 256;
const BLOCKS: usize = (char::MAX as usize + 1) / BLOCK;

/// What is known of 256 characters.
struct Block {
    traits: [Traits; BLOCK],
    /// What normalising makes of those that give several, by their place in the block. Apart from the traits, which every
    /// character of every message asks for and which therefore have to stay small.
    several: Vec<(u8, Box<[char]>)>,
}

static TABLE: [OnceLock<Box<Block>>; BLOCKS] = [const { OnceLock::new() }; BLOCKS];

impl Traits {
    #[inline]
    pub fn of(c: char) -> Self {
        block(c).traits[c as usize % BLOCK]
    }

    /// The characters that normalising makes of one that [gives several](Traits::gives_several), alone; of others nothing.
    pub fn several(c: char) -> &'static [char] {
        let several = &block(c).several;
        let place = several.binary_search_by_key(&((c as usize % BLOCK) as u8), |(place, _)| *place);
        place.map_or(&[], |index| &several[index].1)
    }
}

#[inline]
fn block(c: char) -> &'static Block {
    let index = c as usize / BLOCK;
    TABLE[index].get_or_init(|| work_out_block(index))
}

#[cold]
fn work_out_block(index: usize) -> Box<Block> {
    let mut several = Vec::new();
    let traits = std::array::from_fn(|place| {
        let Some(c) = char::from_u32((index * BLOCK + place) as u32) else { return NOTHING };
        let mut traits = work_out(c);
        let made = folded::alone(c);
        match made[..] {
            [one] => traits.alone = Some(one),
            _ if traits.is_invisible() => {}
            _ => {
                traits.flags |= SEVERAL;
                several.push((place as u8, made.into()));
            }
        }
        traits
    });
    Box::new(Block { traits, several })
}

/// For surrogates, which are no characters.
const NOTHING: Traits = Traits { alone: None, letter: 0, word: 0, flags: 0 };

/// All but what normalising makes of it.
fn work_out(c: char) -> Traits {
    let mut flags = 0;
    let mut set = |flag: u16, holds: bool| {
        if holds {
            flags |= flag;
        }
    };
    set(CLOSES, folded::closes(c));
    set(INVISIBLE, folded::is_invisible(c));
    set(ALONE, folded::is_alone(c));
    set(MARK, folded::is_mark(c));
    set(GAP, joined::is_gap(c));
    set(MEMBER, joined::is_member(c));
    set(JAPANESE, classes::is_japanese(c));
    set(SEPARATOR, joined::is_plain_separator(c));
    set(SIGN, skeleton::is_sign(c));
    set(COMBINING, unicode_normalization::char::canonical_combining_class(c) != 0);
    set(KANA, kana::may_change(c));
    set(NUMBER, digits::begins_number(c));
    set(DIVIDES, digits::divides(c));
    Traits {
        alone: None,
        letter: skeleton::certain(c).map_or(0, |letter| letter as u8),
        word: digits::first_word(c),
        flags,
    }
}
