//! What a model says about some clips: of each alone, and when other clips of the speaker are known.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use ser_data::Corpus;
use ser_eval::{Prediction, Predictions, report};
use ser_features::Features;
use ser_model::Model;

use crate::corpus::Prepared;

/// Draws of enrolment clips for each number of them.
const DRAWS: u64 = 3;

/// How much of a speaker is known, without labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Enrolled {
    /// So many clips, which are not among those answered.
    Clips(usize),
    /// All clips, those answered among them: transductive.
    All,
}

impl Enrolled {
    /// What is measured of a test part.
    pub const CURVE: [Self; 6] = [
        Self::Clips(2),
        Self::Clips(4),
        Self::Clips(8),
        Self::Clips(15),
        Self::Clips(30),
        Self::All,
    ];

    /// What is measured on validation clips; the first is what temperatures are fitted with.
    pub const REHEARSED: [Self; 2] = [Self::Clips(15), Self::All];

    fn suffix(self) -> String {
        match self {
            Self::Clips(n) => format!("-enrolled-{n}"),
            Self::All => "-enrolled-all".to_owned(),
        }
    }
}

impl fmt::Display for Enrolled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clips(n) => write!(f, "{n} clips enrolled"),
            Self::All => f.write_str("all clips enrolled (transductive)"),
        }
    }
}

/// Answers on the same clips.
#[derive(Debug, Clone)]
pub struct Answers {
    /// Of each clip alone.
    pub plain: Predictions,
    /// After enrolment; each draw of the clips enrolled is a split of its own. Empty for a model that
    /// does not enrol.
    pub enrolled: Vec<(Enrolled, Predictions)>,
}

impl Answers {
    /// Asks a model.
    pub fn of(
        model: &Model,
        data: &Prepared,
        part: &[usize],
        split: &str,
        curve: &[Enrolled],
    ) -> Result<Self> {
        let mut enrolled = Vec::new();
        if model.enrols() {
            for &known in curve {
                let found = with_enrolment(model, data, part, split, known)?;
                if !found.is_empty() {
                    enrolled.push((known, Predictions::new(model.labels.clone(), found)?));
                }
            }
        }
        Ok(Self {
            plain: predict(model, data, part, split)?,
            enrolled,
        })
    }

    /// Writes `NAME.csv`, and `NAME-enrolled-N.csv` for what was measured.
    pub fn write(&self, dir: &Path, name: &str) -> Result<()> {
        for (known, answers) in &self.enrolled {
            answers.write_csv(dir.join(format!("{name}{}.csv", known.suffix())))?;
        }
        // Last: where it is, the others are.
        Ok(self.plain.write_csv(dir.join(format!("{name}.csv")))?)
    }

    /// Reads what [`Answers::write`] wrote; `None` where there is nothing.
    pub fn read(dir: &Path, name: &str) -> Result<Option<Self>> {
        let plain = dir.join(format!("{name}.csv"));
        if !plain.is_file() {
            return Ok(None);
        }
        let mut enrolled = Vec::new();
        for known in Enrolled::CURVE {
            let file = dir.join(format!("{name}{}.csv", known.suffix()));
            if file.is_file() {
                enrolled.push((known, Predictions::read_csv(file)?));
            }
        }
        Ok(Some(Self {
            plain: Predictions::read_csv(plain)?,
            enrolled,
        }))
    }

    /// The answers of several splits together.
    pub fn pool(parts: Vec<Self>) -> Result<Self> {
        let mut enrolled = Vec::new();
        for known in Enrolled::CURVE {
            let of = |part: &Self| Some(part.after(known)?.clone());
            let answers: Vec<Predictions> = parts.iter().filter_map(of).collect();
            if !answers.is_empty() {
                enrolled.push((known, Predictions::pool(answers)?));
            }
        }
        Ok(Self {
            plain: Predictions::pool(parts.into_iter().map(|part| part.plain))?,
            enrolled,
        })
    }

    /// The weighted mean answers of several recipes, as a model that joins them gives.
    pub fn average(members: &[(f64, &Self)]) -> Result<Self> {
        let plain = members
            .iter()
            .map(|(weight, answers)| (*weight, &answers.plain));
        let mut enrolled = Vec::new();
        for known in Enrolled::CURVE {
            let after = |(weight, answers): &(f64, &'_ Self)| {
                Some((*weight, answers.after(known)?.clone()))
            };
            let found: Vec<_> = members.iter().filter_map(after).collect();
            if !found.is_empty() {
                let found = found.iter().map(|(weight, answers)| (*weight, answers));
                enrolled.push((known, Predictions::average(found)?));
            }
        }
        Ok(Self {
            plain: Predictions::average(plain)?,
            enrolled,
        })
    }

    /// The answers after enrolment, as reports want them.
    pub fn described(&self) -> Vec<report::Enrolled> {
        let described = self
            .enrolled
            .iter()
            .map(|(known, answers)| report::Enrolled {
                label: match known {
                    Enrolled::Clips(n) => n.to_string(),
                    Enrolled::All => "all (transductive)".to_owned(),
                },
                description: known.to_string(),
                predictions: answers.clone(),
            });
        described.collect()
    }

    /// The answers when so much is known.
    pub fn after(&self, known: Enrolled) -> Option<&Predictions> {
        let found = self.enrolled.iter().find(|(at, _)| *at == known);
        found.map(|(_, answers)| answers)
    }
}

/// A model's answers on some clips of a corpus, all of emotions the model knows.
pub fn predict(model: &Model, data: &Prepared, part: &[usize], split: &str) -> Result<Predictions> {
    let answers = model.predict(&views(model, data, part))?;
    let rows = rows(model, &data.corpus, part, answers, split)?;
    Ok(Predictions::new(model.labels.clone(), rows)?)
}

/// Answers when some clips of each speaker are known without their labels. A speaker with too few
/// clips answers none.
fn with_enrolment(
    model: &Model,
    data: &Prepared,
    part: &[usize],
    split: &str,
    known: Enrolled,
) -> Result<Vec<Prediction>> {
    let draws = match known {
        Enrolled::Clips(_) => DRAWS,
        Enrolled::All => 1,
    };
    let mut found = Vec::new();
    for draw in 1..=draws {
        let mut rng = ChaCha8Rng::seed_from_u64(draw);
        for speaker in data.corpus.speakers() {
            let of = |&&i: &&usize| data.corpus.clips()[i].speaker == speaker;
            let mut clips: Vec<usize> = part.iter().filter(of).copied().collect();
            let (enrolled, asked) = match known {
                Enrolled::All => (&clips[..], &clips[..]),
                Enrolled::Clips(n) if n < clips.len() => {
                    clips.shuffle(&mut rng);
                    clips.split_at(n)
                }
                Enrolled::Clips(_) => continue,
            };
            let speaker = model.enrol(&views(model, data, enrolled))?;
            let answers = model.predict_enrolled(&views(model, data, asked), &speaker)?;
            let name = format!("{split}-draw-{draw}");
            found.extend(rows(model, &data.corpus, asked, answers, &name)?);
        }
    }
    Ok(found)
}

/// The features that a model takes of some clips.
fn views<'a>(model: &Model, data: &'a Prepared, part: &[usize]) -> Vec<&'a [Features]> {
    let count = model.views().len();
    part.iter().map(|&i| &data.features[i][..count]).collect()
}

/// A model's answers with what is known of their clips.
pub fn rows(
    model: &Model,
    corpus: &Corpus,
    part: &[usize],
    answers: Vec<Vec<f32>>,
    split: &str,
) -> Result<Vec<Prediction>> {
    let rows = answers.into_iter().zip(part);
    let rows = rows.map(|(probabilities, &i)| {
        let clip = &corpus.clips()[i];
        let truth = model.labels.iter().position(|label| *label == clip.emotion);
        Ok(Prediction {
            clip: clip.name(),
            speaker: clip.speaker.clone(),
            truth: truth.with_context(|| format!("the model does not know `{}`", clip.emotion))?,
            probabilities,
            split: split.to_owned(),
            gender: clip.gender.clone(),
            intensity: clip.intensity.clone(),
            statement: clip.statement.clone(),
        })
    });
    rows.collect()
}
