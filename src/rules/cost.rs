//! How much work an expression may cost, counted rather than timed, so that every machine gives the same figure.
//!
//! The expression is turned into an automaton with one state for each thing it may wait for. The search walks over the text
//! and looks at every state that is alive at each character, and again from each match, as an engine without a cache of
//! states would. The figure is the number of states looked at for each character, on the worst of the hostile texts.

use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind, Look};

use super::sample::hostile;

/// The most states for each character that `rules check` accepts. The shipped patterns stay far below (docs/rules.md
/// names their worst); a word list of hundreds of alternatives behind a wide, long repetition goes over it.
pub const MAX_WORK: f64 = 400.0;
/// Automata beyond this are as bad as any.
const MAX_STATES: usize = 60_000;

/// The counted work of an expression: states looked at for each character of the worst hostile text.
pub fn work(hir: &Hir) -> f64 {
    let Some(program) = Program::compile(hir) else { return f64::INFINITY };
    hostile(hir)
        .iter()
        .map(|text| {
            let chars: Vec<char> = text.chars().collect();
            program.count(&chars) as f64 / chars.len() as f64
        })
        .fold(0.0, f64::max)
}

#[derive(Debug)]
enum State {
    Char(Vec<ClassUnicodeRange>),
    /// Any of these next, the first first.
    Split(Vec<usize>),
    Look(Look),
    Match,
}

/// States in order; each continues with the next one, except for splits.
#[derive(Debug, Default)]
struct Program {
    states: Vec<State>,
}

impl Program {
    fn compile(hir: &Hir) -> Option<Self> {
        let mut program = Self::default();
        program.add(hir)?;
        program.push(State::Match)?;
        Some(program)
    }

    fn push(&mut self, state: State) -> Option<usize> {
        (self.states.len() < MAX_STATES).then(|| {
            self.states.push(state);
            self.states.len() - 1
        })
    }

    fn add(&mut self, hir: &Hir) -> Option<()> {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => {
                for c in String::from_utf8_lossy(&literal.0).chars() {
                    self.push(State::Char(vec![ClassUnicodeRange::new(c, c)]))?;
                }
            }
            HirKind::Class(Class::Unicode(class)) => {
                self.push(State::Char(class.ranges().to_vec()))?;
            }
            HirKind::Class(Class::Bytes(_)) => return None,
            HirKind::Look(look) => {
                self.push(State::Look(*look))?;
            }
            HirKind::Capture(capture) => self.add(&capture.sub)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.add(part))?,
            HirKind::Alternation(parts) => self.add_branches(parts)?,
            HirKind::Repetition(repetition) => {
                for _ in 0..repetition.min {
                    self.add(&repetition.sub)?;
                }
                match repetition.max {
                    Some(max) => self.add_optional(&repetition.sub, max - repetition.min)?,
                    None => self.add_loop(&repetition.sub)?,
                }
            }
        }
        Some(())
    }

    fn add_branches(&mut self, parts: &[Hir]) -> Option<()> {
        let split = self.push(State::Split(Vec::new()))?;
        let mut starts = Vec::new();
        let mut exits = Vec::new();
        for part in parts {
            starts.push(self.states.len());
            self.add(part)?;
            exits.push(self.push(State::Split(Vec::new()))?);
        }
        let end = self.states.len();
        exits.into_iter().for_each(|exit| self.states[exit] = State::Split(vec![end]));
        self.states[split] = State::Split(starts);
        Some(())
    }

    fn add_optional(&mut self, sub: &Hir, times: u32) -> Option<()> {
        let mut splits = Vec::new();
        for _ in 0..times {
            splits.push(self.push(State::Split(Vec::new()))?);
            self.add(sub)?;
        }
        let end = self.states.len();
        splits.into_iter().for_each(|split| self.states[split] = State::Split(vec![split + 1, end]));
        Some(())
    }

    fn add_loop(&mut self, sub: &Hir) -> Option<()> {
        let split = self.push(State::Split(Vec::new()))?;
        self.add(sub)?;
        let back = self.push(State::Split(vec![split]))?;
        self.states[split] = State::Split(vec![split + 1, back + 1]);
        Some(())
    }

    /// States looked at while every match in a text is found, each the leftmost, earlier branches first.
    fn count(&self, text: &[char]) -> u64 {
        let mut walk = Walk { program: self, text, seen: vec![usize::MAX; self.states.len()], work: 0 };
        let mut from = 0;
        while from < text.len() {
            match walk.search(from) {
                Some(end) => from = end.max(from + 1),
                None => break,
            }
        }
        walk.work
    }
}

struct Walk<'a> {
    program: &'a Program,
    text: &'a [char],
    /// For each state the step at which it was last reached, counted over all searches.
    seen: Vec<usize>,
    work: u64,
}

impl Walk<'_> {
    /// The end of the leftmost match from a place on.
    fn search(&mut self, from: usize) -> Option<usize> {
        let mut alive: Vec<usize> = Vec::new();
        let mut found = None;
        self.seen.fill(usize::MAX);
        for at in from..=self.text.len() {
            let mut next = Vec::new();
            let mut reached = Vec::new();
            for state in std::mem::take(&mut alive) {
                self.reach(state, at, &mut reached);
            }
            if found.is_none() {
                self.reach(0, at, &mut reached);
            }
            for state in reached {
                match &self.program.states[state] {
                    State::Match => {
                        found = Some(at);
                        break;
                    }
                    State::Char(ranges) if self.text.get(at).is_some_and(|c| holds(ranges, *c)) => {
                        next.push(state + 1)
                    }
                    _ => {}
                }
            }
            if next.is_empty() && found.is_some() {
                break;
            }
            alive = next;
        }
        found
    }

    /// Follows splits and looks from a state to those that wait for a character, each once for a place.
    fn reach(&mut self, state: usize, at: usize, reached: &mut Vec<usize>) {
        let mut open = vec![state];
        while let Some(state) = open.pop() {
            if std::mem::replace(&mut self.seen[state], at) == at {
                continue;
            }
            self.work += 1;
            match &self.program.states[state] {
                State::Split(next) => open.extend(next.iter().rev()),
                State::Look(look) => {
                    if self.looks(*look, at) {
                        open.push(state + 1);
                    }
                }
                State::Char(_) | State::Match => reached.push(state),
            }
        }
    }

    fn looks(&self, look: Look, at: usize) -> bool {
        let word = |index: Option<usize>| {
            index
                .and_then(|index| self.text.get(index))
                .is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_')
        };
        let (before, after) = (word(at.checked_sub(1)), word(Some(at)));
        match look {
            Look::Start | Look::StartLF | Look::StartCRLF => at == 0,
            Look::End | Look::EndLF | Look::EndCRLF => at == self.text.len(),
            Look::WordAsciiNegate | Look::WordUnicodeNegate => before == after,
            Look::WordStartAscii | Look::WordStartUnicode => !before && after,
            Look::WordEndAscii | Look::WordEndUnicode => before && !after,
            Look::WordStartHalfAscii | Look::WordStartHalfUnicode => !before,
            Look::WordEndHalfAscii | Look::WordEndHalfUnicode => !after,
            Look::WordAscii | Look::WordUnicode => before != after,
        }
    }
}

fn holds(ranges: &[ClassUnicodeRange], c: char) -> bool {
    let index = ranges.partition_point(|range| range.end() < c);
    ranges.get(index).is_some_and(|range| range.start() <= c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(source: &str) -> f64 {
        work(&regex_syntax::parse(source).unwrap())
    }

    /// The search that counts finds what the engine finds; otherwise it would count something else.
    #[test]
    fn it_searches_like_the_engine() {
        for source in
            ["振り?込(?:んで|み)?", "a|ab|c{2,3}", "(?:ab?)+c", r"\b[a-z]{2,4}\b", "[^x]{0,3}y", "^あ|い$"]
        {
            let hir = regex_syntax::parse(source).unwrap();
            let program = Program::compile(&hir).unwrap();
            let regex = regex::Regex::new(&source.replace(r"\b", r"(?-u:\b)")).unwrap();
            for text in ["振込んで", "ababc ccc ab", "xxy yyxy", "あいあい", "abcd ab abcde", ""] {
                let chars: Vec<char> = text.chars().collect();
                let mut walk = Walk {
                    program: &program,
                    text: &chars,
                    seen: vec![usize::MAX; program.states.len()],
                    work: 0,
                };
                let expected = regex.find(text).map(|found| text[..found.end()].chars().count());
                assert_eq!(walk.search(0), expected, "{source} in {text}");
            }
        }
    }

    #[test]
    fn long_repetitions_cost_what_they_keep_alive() {
        let plain = cost("現金書留");
        let wide = cost("a.{0,60}b");
        assert!(plain < 8.0, "{plain}");
        assert!(wide > 10.0 * plain && wide < MAX_WORK, "{wide}");
        // On a row of `a` both stretches are alive all the time.
        let two = cost("a.{0,60}a.{0,60}b");
        assert!(two > 1.5 * wide, "{two} and {wide}");
        assert_eq!(cost("a.{0,60}b"), wide, "the figure is the same every time");
    }
}
