//! `ser predict --adapt`: subtracts the average of a collection from each of its recordings, without labels.

use std::path::PathBuf;

use anyhow::{Result, bail};
use ser_experiment::Skipped;
use ser_predict::{Enrolment, Predictor, SMALLEST_COLLECTION};

use crate::output::in_words;
use crate::recordings::{add_up, is_stdin};
use crate::tally::Tally;

/// The average of recordings with the same channel, room and language.
pub struct Collection {
    /// How all recordings sound on average.
    pub mean: Enrolment,
    /// Number of recordings that could be used.
    pub recordings: usize,
    /// Seconds of speech in these recordings.
    seconds: f64,
}

impl Collection {
    /// Computes the average of all files, and removes from `files` those that cannot be used.
    ///
    /// # Errors
    /// If a file can be read only once, or if fewer than [`SMALLEST_COLLECTION`] recordings can be used.
    pub fn of(
        predictor: &Predictor,
        files: &mut Vec<PathBuf>,
        channel: Option<u16>,
        skipped: &mut Vec<Skipped>,
        tally: &mut Tally,
    ) -> Result<Self> {
        let is_no_file = |file: &PathBuf| file.metadata().is_ok_and(|found| !found.is_file());
        if let Some(file) = files.iter().find(|file| is_stdin(file) || is_no_file(file)) {
            bail!(
                "{}: --adapt reads every recording twice, but this one can be read only once: save it as a file first",
                file.display()
            );
        }
        let skip = |file, kind| {
            tally.skip(kind);
            skipped.push(file);
        };
        let (enroller, used) = add_up(predictor, files, channel, "standardising", skip)?;
        let (recordings, seconds) = (enroller.recordings(), enroller.seconds());
        if recordings < SMALLEST_COLLECTION {
            bail!(
                "--adapt: expected {SMALLEST_COLLECTION} recordings or more in which somebody speaks, found {recordings}: the average \
                 of so few depends on their emotions, and subtracting it would remove these; run the command without --adapt, or \
                 give other recordings of the speaker with --enroll"
            );
        }
        // What damaged recordings lack is printed with their answers.
        *files = used.into_iter().map(|(file, _)| file).collect();
        Ok(Self {
            mean: enroller.finish(),
            recordings,
            seconds,
        })
    }

    /// Returns a sentence about the collection and what is assumed of it.
    pub fn sentence(&self) -> String {
        format!(
            "adapted to the collection: {}, {:.1} s of speech. This assumes that its emotions are mixed: in a collection of one \
             emotion it removes that emotion",
            in_words(self.recordings, "recording"),
            self.seconds
        )
    }
}
