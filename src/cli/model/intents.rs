//! `mimamori model eval --data` on texts with classes: the encoder as it is with a linear head, and adapters trained on the set.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::super::error::CliError;
use super::super::lines;
use super::data;
use super::lexical::Characters;
use super::tuning::{Tuning, to_standard_error};
use crate::config::{Config, locate};
use crate::datasets::{Intents, LabelledText};
use crate::evaluation::{
    Familiarity, Known, Readings, blended, rejection_threshold, share_below, share_for_classes,
};
use crate::model::adapter::Adapter;
use crate::model::classifier::Base;
use crate::model::folder::Head;
use crate::model::metrics::auroc;
use crate::model::train::{Target, fit_head, train_texts};

/// Penalties that are tried on the validation part.
const PENALTIES: [f64; 4] = [3.0, 10.0, 30.0, 100.0];
/// One in so many training texts decides when a training stops, and serves for choices where a set has no validation part.
const STOPPING_SHARE: usize = 10;
/// Texts in scope that may be refused when the rejection threshold is chosen on the validation part.
const REFUSED_IN_SCOPE: f64 = 0.01;

/// How to train on the set.
pub struct Training<'a> {
    pub epochs: u32,
    pub tuning: &'a Tuning,
}

/// Texts with their classes, counted from 0.
#[derive(Default)]
struct Texts<'a> {
    texts: Vec<&'a str>,
    classes: Vec<usize>,
}

impl<'a> Texts<'a> {
    /// `names` are the intents of the training texts, sorted.
    fn of(texts: impl IntoIterator<Item = &'a LabelledText>, names: &[&str]) -> Result<Self, CliError> {
        let mut numbered = Self::default();
        for text in texts {
            let class = names
                .binary_search(&text.intent.as_str())
                .map_err(|_| CliError::Usage(format!("the intent `{}` has no training text", text.intent)))?;
            numbered.texts.push(&text.text);
            numbered.classes.push(class);
        }
        Ok(numbered)
    }

    fn pairs(&self) -> Vec<(&'a str, usize)> {
        self.texts.iter().copied().zip(self.classes.iter().copied()).collect()
    }
}

/// The set as it is used.
struct Parts<'a> {
    name: &'a str,
    classes: usize,
    train: Texts<'a>,
    /// Choices: the set's own validation part, or the texts that decide when a training stops.
    validation: Texts<'a>,
    test: Texts<'a>,
    outside_validation: Vec<&'a str>,
    outside: Vec<&'a str>,
}

pub fn run(
    config: &Config,
    base: &Base,
    name: &str,
    intents: &Intents,
    training: Option<&Training<'_>>,
    seed: u64,
) -> Result<(), CliError> {
    let mut names: Vec<&str> = intents.train.iter().map(|text| text.intent.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let (rest, stopping) = split(&intents.train, seed);
    let own_validation = !intents.validation.is_empty();
    let mut parts = Parts {
        name,
        classes: names.len(),
        train: if own_validation {
            Texts::of(&intents.train, &names)?
        } else {
            Texts::of(rest.clone(), &names)?
        },
        validation: if own_validation {
            Texts::of(&intents.validation, &names)?
        } else {
            Texts::of(stopping.clone(), &names)?
        },
        test: Texts::of(&intents.test, &names)?,
        outside_validation: intents.out_of_scope_validation.iter().map(String::as_str).collect(),
        outside: intents.out_of_scope.iter().map(String::as_str).collect(),
    };
    frozen(base, &parts)?;
    if let Some(training) = training {
        parts.train = Texts::of(rest, &names)?;
        trained(config, base, &parts, &Texts::of(stopping, &names)?, training)?;
    }
    Ok(())
}

/// A seeded tenth of the training texts as the second part, the rest as the first.
fn split(texts: &[LabelledText], seed: u64) -> (Vec<&LabelledText>, Vec<&LabelledText>) {
    let mut all: Vec<&LabelledText> = texts.iter().collect();
    all.shuffle(&mut StdRng::seed_from_u64(seed));
    let rest = all.split_off(all.len().div_ceil(STOPPING_SHARE));
    (rest, all)
}

/// The encoder as it is, with a linear head over its vectors.
fn frozen(base: &Base, parts: &Parts<'_>) -> Result<(), CliError> {
    let vectors = base.vectors(&parts.train.texts, None)?;
    let seen = base.vectors(&parts.validation.texts, None)?;
    let targets: Vec<Target> = parts.train.classes.iter().map(|class| Target::Class(*class)).collect();
    let mut best: Option<(f64, f64, Head)> = None;
    for penalty in PENALTIES {
        let head = fit_head(&vectors, &targets, parts.classes, penalty)
            .map_err(|error| CliError::Failed(format!("training: {error}")))?;
        let logits: Vec<Vec<f64>> = seen.iter().map(|vector| head.logits(vector)).collect();
        let accuracy = accuracy(&logits, &parts.validation.classes);
        if best.as_ref().is_none_or(|(highest, _, _)| accuracy > *highest) {
            best = Some((accuracy, penalty, head));
        }
    }
    let Some((_, penalty, head)) = best else { return Ok(()) };
    let how = format!(
        "encoder as it is{} with a linear head (penalty {penalty}, chosen on {} validation texts)",
        data::in_words(base),
        parts.validation.texts.len()
    );
    report(&Reading { base, head, adapter: None }, parts, &how)
}

/// Adapters and a head, trained as those for inquiries are.
fn trained(
    config: &Config,
    base: &Base,
    parts: &Parts<'_>,
    stopping: &Texts<'_>,
    training: &Training<'_>,
) -> Result<(), CliError> {
    let encoder = locate(&config.models.encoder, "encoder folder", "models.encoder")?;
    let options = training.tuning.options(parts.name.to_owned(), training.epochs, None);
    let (train, held_out) = (parts.train.pairs(), stopping.pairs());
    let (adapter, head) =
        train_texts(&encoder, parts.classes, &train, &held_out, &options, &mut to_standard_error())
            .map_err(|error| CliError::Failed(error.to_string()))?;
    let how = format!(
        "adapters of rank {} from layer {} and a head, trained on {} texts, {} decide when to stop",
        options.rank,
        options.first_layer,
        train.len(),
        held_out.len()
    );
    report(&Reading { base, head, adapter: Some(adapter) }, parts, &how)
}

/// How the encoder reads a text.
struct Reading<'a> {
    base: &'a Base,
    head: Head,
    adapter: Option<Adapter>,
}

impl Reading<'_> {
    fn read(&self, texts: &[&str]) -> Result<Readings, CliError> {
        let vectors = self.base.vectors(texts, self.adapter.as_ref())?;
        let logits = vectors.iter().map(|vector| self.head.logits(vector)).collect();
        Ok(Readings { vectors, logits })
    }
}

/// Every part of a set as it is read.
struct Read {
    validation: Readings,
    test: Readings,
    outside_validation: Readings,
    outside: Readings,
}

/// Accuracy on the test part, and how well texts without an intent are told from the others: by the encoder, then with runs of
/// characters beside it.
fn report(reading: &Reading<'_>, parts: &Parts<'_>, how: &str) -> Result<(), CliError> {
    let known = Known::new(&reading.read(&parts.train.texts)?.vectors, &parts.train.classes);
    let mut read = Read {
        validation: reading.read(&parts.validation.texts)?,
        test: reading.read(&parts.test.texts)?,
        outside_validation: reading.read(&parts.outside_validation)?,
        outside: reading.read(&parts.outside)?,
    };
    lines::print(&described(&known, &read, parts, how))?;
    let characters = Characters::learn(&parts.train.texts, &parts.train.classes, parts.classes);
    let validation = characters.logits(&parts.validation.texts);
    let share = share_for_classes(&read.validation.logits, &validation, &parts.validation.classes);
    for (texts, readings) in [
        (&parts.validation.texts, &mut read.validation),
        (&parts.test.texts, &mut read.test),
        (&parts.outside_validation, &mut read.outside_validation),
        (&parts.outside, &mut read.outside),
    ] {
        readings.logits = blended(&readings.logits, &characters.logits(texts), share);
    }
    let how =
        format!("{how}; runs of characters beside it, share {share:.2}, chosen on the validation texts");
    lines::print(&described(&known, &read, parts, &how))
}

fn described(known: &Known, read: &Read, parts: &Parts<'_>, how: &str) -> String {
    let mut text = format!(
        "{}, {how}\n  accuracy in scope            {:.4} of {} texts, {} intents\n",
        parts.name,
        accuracy(&read.test.logits, &parts.test.classes),
        parts.test.texts.len(),
        parts.classes
    );
    if !parts.outside.is_empty() {
        let seen = Refusal { inside: &read.validation, outside: &read.outside_validation };
        let unseen = Refusal { inside: &read.test, outside: &read.outside };
        text.push_str(&out_of_scope(known, &seen, &unseen));
    }
    text
}

fn accuracy(logits: &[Vec<f64>], truths: &[usize]) -> f64 {
    let best =
        |logits: &Vec<f64>| logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i);
    let right = logits.iter().zip(truths).filter(|(logits, truth)| best(logits) == Some(**truth));
    right.count() as f64 / truths.len().max(1) as f64
}

/// Texts that have an intent, and texts that have none.
struct Refusal<'a> {
    inside: &'a Readings,
    outside: &'a Readings,
}

/// A line for each score. The threshold of each is chosen on the validation texts in scope, and the score that stands for the
/// model on the validation texts out of scope: the one that refuses most of them.
fn out_of_scope(known: &Known, validation: &Refusal<'_>, test: &Refusal<'_>) -> String {
    let mut text = format!(
        "  out of scope, {} texts, where {:.0}% of the validation texts in scope are refused\n    {:<24} {:>7} {:>17} {:>7} {:>19}\n",
        test.outside.vectors.len(),
        REFUSED_IN_SCOPE * 100.0,
        "score",
        "recall",
        "in scope refused",
        "AUROC",
        "validation recall"
    );
    let mut best: Option<(f64, Familiarity)> = None;
    for score in Familiarity::ALL {
        let of = |texts: &Readings| known.scores(score, texts);
        let threshold = rejection_threshold(&of(validation.inside), REFUSED_IN_SCOPE);
        let chosen_by = share_below(&of(validation.outside), threshold);
        let (inside, outside) = (of(test.inside), of(test.outside));
        let strangers = outside.iter().map(|score| (-score, true));
        let scored: Vec<(f64, bool)> = strangers.chain(inside.iter().map(|score| (-score, false))).collect();
        text.push_str(&format!(
            "    {:<24} {:>7.4} {:>16.2}% {:>7.4} {chosen_by:>19.4}\n",
            score.name(),
            share_below(&outside, threshold),
            share_below(&inside, threshold) * 100.0,
            auroc(&scored)
        ));
        if best.is_none_or(|(highest, _)| chosen_by > highest) {
            best = Some((chosen_by, score));
        }
    }
    if let Some((_, score)) = best {
        text.push_str(&format!(
            "    chosen on {} validation texts out of scope: {}\n",
            validation.outside.vectors.len(),
            score.name()
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_decides_when_to_stop_and_is_trained_on_by_nobody() {
        let texts: Vec<LabelledText> =
            (0..95).map(|i| LabelledText { text: i.to_string(), intent: "a".into() }).collect();
        let (rest, tenth) = split(&texts, 7);
        assert_eq!((rest.len(), tenth.len()), (85, 10));
        assert!(tenth.iter().all(|text| !rest.contains(text)));
        assert_eq!(split(&texts, 7), (rest, tenth.clone()));
        assert_ne!(split(&texts, 8).1, tenth);
    }

    #[test]
    fn an_intent_that_only_the_test_part_has_is_named() {
        let text = LabelledText { text: "x".into(), intent: "new".into() };
        let error = Texts::of([&text], &["old"]).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("`new`")));
    }
}
