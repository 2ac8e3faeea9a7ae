//! Counts how many recordings were answered and skipped, for one sentence at the end of a command.

use std::collections::BTreeMap;

use ser_audio::Warning;
use ser_predict::OUT_OF_DISTRIBUTION;

use crate::output::in_words;

/// Numbers of answers, and of skipped recordings by kind of reason.
#[derive(Default)]
pub struct Tally {
    answered: usize,
    uncertain: usize,
    out_of_distribution: usize,
    without_speech: usize,
    skipped: BTreeMap<&'static str, usize>,
}

impl Tally {
    /// Counts an answer with its remarks.
    pub fn answer<'a>(&mut self, uncertain: bool, remarks: impl IntoIterator<Item = &'a str>) {
        self.answered += 1;
        self.uncertain += usize::from(uncertain);
        for remark in remarks {
            self.out_of_distribution += usize::from(remark == OUT_OF_DISTRIBUTION);
            self.without_speech += usize::from(remark == Warning::NoSpeech.word());
        }
    }

    /// Counts a skip for a reason of this kind, such as `damaged`.
    pub fn skip(&mut self, kind: &'static str) {
        *self.skipped.entry(kind).or_default() += 1;
    }

    /// Returns the number of recordings that were answered.
    pub fn answered(&self) -> usize {
        self.answered
    }

    /// Returns the number of recordings that were skipped.
    pub fn skipped(&self) -> usize {
        self.skipped.values().sum()
    }

    /// Returns all counts in a sentence, such as
    /// `answered 9 recordings: 3 uncertain (1 without speech); skipped 2: 1 damaged, 1 too short`.
    pub fn sentence(&self) -> String {
        let uncertain = match self.uncertain {
            0 => "none".to_owned(),
            count => count.to_string(),
        };
        let answered = in_words(self.answered, "recording");
        let mut text = format!("answered {answered}: {uncertain} uncertain");
        let why = counts([
            ("out of distribution", self.out_of_distribution),
            ("without speech", self.without_speech),
        ]);
        if !why.is_empty() {
            text += &format!(" ({why})");
        }
        if !self.skipped.is_empty() {
            text += &format!("; skipped {}: {}", self.skipped(), self.reasons());
        }
        text
    }

    /// Returns the number of skipped recordings for each reason, such as `1 damaged, 1 too short`.
    pub fn reasons(&self) -> String {
        counts(self.skipped.iter().map(|(&kind, &count)| (kind, count)))
    }
}

/// Formats counts, such as `2 damaged, 1 too short`, without those that are 0.
fn counts<'a>(of: impl IntoIterator<Item = (&'a str, usize)>) -> String {
    let there = of.into_iter().filter(|&(_, count)| count > 0);
    let told: Vec<String> = there
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_has_every_count_and_right_singulars() {
        let mut tally = Tally::default();
        tally.answer(false, ["noisy"]);
        assert_eq!(tally.sentence(), "answered 1 recording: none uncertain");
        tally.answer(true, ["no-speech", "out-of-distribution"]);
        tally.answer(true, ["no-speech", "long"]);
        tally.answer(true, []);
        tally.skip("too short");
        assert_eq!(
            tally.sentence(),
            "answered 4 recordings: 3 uncertain (1 out of distribution, 2 without speech); skipped 1: 1 too short"
        );
        tally.skip("damaged");
        tally.skip("damaged");
        let sentence = tally.sentence();
        assert!(
            sentence.ends_with("; skipped 3: 2 damaged, 1 too short"),
            "{sentence}"
        );
    }
}
