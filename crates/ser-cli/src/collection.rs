//! `ser predict --adapt`: the recordings of one collection standardise each other, without labels.

use std::path::PathBuf;

use anyhow::{Result, bail};
use ser_experiment::Skipped;
use ser_predict::{Enrolment, Predictor, SMALLEST_COLLECTION};

use crate::output::in_words;
use crate::recordings::{add_up, is_stdin};
use crate::tally::Tally;

/// Recordings that were made alike, and have been heard once.
pub struct Collection {
    /// How all of them sound on average.
    pub mean: Enrolment,
    /// Those that could be used.
    pub recordings: usize,
    /// Seconds of speech in them.
    seconds: f64,
}

impl Collection {
    /// Hears all files, of which no more are left than can be used.
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
                "{}: --adapt reads every recording twice, and this can be read once: save it as a file first",
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
                "--adapt: expected {SMALLEST_COLLECTION} recordings or more in which somebody speaks, found {recordings}: the mean \
                 of so few is what these few express, and it is taken away from each; answer them without --adapt, or give other \
                 recordings of the speaker with --enroll"
            );
        }
        *files = used;
        Ok(Self {
            mean: enroller.finish(),
            recordings,
            seconds,
        })
    }

    /// What the answers rest on.
    pub fn sentence(&self) -> String {
        format!(
            "adapted to the collection: {}, {:.1} s of speech. This assumes that emotions are mixed in it: in a collection of one \
             emotion it takes that emotion away",
            in_words(self.recordings, "recording"),
            self.seconds
        )
    }
}
