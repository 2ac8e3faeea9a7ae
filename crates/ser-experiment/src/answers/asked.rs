//! Asks a model about clips when it knows other clips of their speakers or of their corpora, without labels.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use ser_eval::{Prediction, Predictions, draw_name};
use ser_predict::{Embedding, Enroller, Enrolment, Speech};

use super::{Answers, Rows};
use crate::error::Result;
use crate::pieces::{ClipEmbeddings, classify};
use crate::setting::Setting;

/// Number of random draws of enrolment clips or labelled clips, for each number of clips.
pub(super) const DRAWS: u64 = 3;

/// Clips that a model is asked about.
pub(crate) struct Asked<'a> {
    /// Joins probabilities with the labels of the clips.
    pub(crate) rows: Rows<'a>,
    /// The embeddings of the clips by the model, by the index of the clip in its corpus.
    pub(crate) embedded: BTreeMap<usize, ClipEmbeddings>,
    /// The clips, as indices into their corpus.
    pub(crate) part: &'a [usize],
    /// The name of the split.
    pub(crate) split: &'a str,
}

/// Returns the probabilities for a piece of a clip, alone or of an enrolled speaker.
pub(crate) type Classify<'a> =
    dyn Fn(&Embedding, Option<&Enrolment>) -> ser_predict::Result<Vec<f32>> + Sync + 'a;

impl Answers {
    /// Adds the predictions in each of the given settings of knowledge without labels. If the model does not enrol, there are
    /// none.
    pub(crate) fn add_known(
        &mut self,
        asked: &Asked<'_>,
        settings: &[Setting],
        by: &Classify<'_>,
    ) -> Result<()> {
        let model = asked.rows.model;
        for &setting in settings.iter().filter(|_| model.enrols()) {
            let found = match setting {
                Setting::Collection => asked.with_collection(by)?,
                Setting::Enrolled(n) => asked.with_enrolment(Some(n), by)?,
                Setting::EnrolledAll => asked.with_enrolment(None, by)?,
                Setting::Plain | Setting::Condition(_) | Setting::Labelled(_) => continue,
            };
            if !found.is_empty() {
                let found = Predictions::new(asked.rows.labels(), found)?;
                self.by_setting.push((setting, found));
            }
        }
        Ok(())
    }
}

impl Asked<'_> {
    /// Predicts clips when this number of other clips of each speaker, or all clips, are enrolled. A speaker with too few clips
    /// gets no predictions.
    fn with_enrolment(&self, known: Option<usize>, by: &Classify<'_>) -> Result<Vec<Prediction>> {
        let corpus = self.rows.corpus;
        let mut of_speakers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for &i in self.part {
            let speaker = corpus.clips()[i].speaker.as_str();
            of_speakers.entry(speaker).or_default().push(i);
        }
        let draws = if known.is_some() { DRAWS } else { 1 };
        let mut found = Vec::new();
        for draw in 1..=draws {
            let mut rng = ChaCha8Rng::seed_from_u64(draw);
            for clips in of_speakers.values() {
                let mut clips = clips.clone();
                let (enrolled, asked) = match known {
                    None => (&clips[..], &clips[..]),
                    Some(n) if n < clips.len() => {
                        clips.shuffle(&mut rng);
                        clips.split_at(n)
                    }
                    Some(_) => continue,
                };
                let speaker = self.enrol(enrolled)?;
                let answers = self.classify(asked, &|clip| by(clip, Some(&speaker)))?;
                let split = draw_name(self.split, draw);
                found.extend(self.rows.of(asked, answers, &split)?);
            }
        }
        Ok(found)
    }

    /// Predicts clips when all clips of the part that are of the same corpus are known, without labels or speakers.
    fn with_collection(&self, by: &Classify<'_>) -> Result<Vec<Prediction>> {
        let corpus = self.rows.corpus;
        let mut collections: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
        for &i in self.part {
            collections
                .entry(corpus.clips()[i].corpus())
                .or_default()
                .push(i);
        }
        let mut found = Vec::new();
        for clips in collections.into_values() {
            let collection = self.enrol(&clips)?;
            let answers = self.classify(&clips, &|clip| by(clip, Some(&collection)))?;
            found.extend(self.rows.of(&clips, answers, self.split)?);
        }
        Ok(found)
    }

    /// Enrols a voice from all pieces of some clips.
    fn enrol(&self, clips: &[usize]) -> Result<Enrolment> {
        let model = self.rows.model;
        let mut enroller = Enroller::new(model);
        for (piece, seconds) in clips.iter().flat_map(|i| &self.embedded[i]) {
            enroller.add(&Speech::of(model, piece, *seconds)?)?;
        }
        Ok(enroller.finish())
    }

    /// Returns the probabilities for some clips, `[clips][labels]`.
    pub(super) fn classify(
        &self,
        clips: &[usize],
        by: &(dyn Fn(&Embedding) -> ser_predict::Result<Vec<f32>> + Sync),
    ) -> Result<Vec<Vec<f32>>> {
        let clips = clips.iter().map(|i| &self.embedded[i]);
        classify(&clips.collect::<Vec<_>>(), by)
    }
}
