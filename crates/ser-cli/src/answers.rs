//! What a model says about some clips: of each alone, when other clips of the speaker are known, and when
//! something has happened to the sound.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use ser_audio::conditions::Condition;
use ser_data::Corpus;
use ser_eval::{DRAW, Prediction, Predictions, remove_file, report};
use ser_features::{FeatureConfig, Features};
use ser_model::Model;

use crate::corpus::{Prepared, View, hear_under};

/// Draws of enrolment clips for each number of them.
const DRAWS: u64 = 3;

/// How much of a speaker is known, without labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

impl fmt::Display for Enrolled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clips(n) => write!(f, "{n} clips enrolled"),
            Self::All => f.write_str("all clips enrolled (transductive)"),
        }
    }
}

/// Otherwise than with a clip alone, as it was recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Circumstance {
    /// Other clips of the speaker are known. Each draw of them is answered as a split of its own ([`DRAW`]).
    Enrolled(Enrolled),
    /// Something has happened to the sound.
    Under(Condition),
}

impl Circumstance {
    /// All there may be answers under.
    fn all() -> impl Iterator<Item = Self> {
        let enrolled = Enrolled::CURVE.into_iter().map(Self::Enrolled);
        enrolled.chain(Condition::STANDARD.map(Self::Under))
    }

    /// Whether answers of so many of some splits or recipes stand for all. Not every speaker has clips
    /// enough to enrol and not every recipe enrols, but a condition that some lack was not asked of them yet.
    fn is_enough(self, found: usize, of: usize) -> bool {
        match self {
            Self::Enrolled(_) => found > 0,
            Self::Under(_) => found == of,
        }
    }

    /// The file of answers that stands beside `NAME.csv`.
    fn file(self, dir: &Path, name: &str) -> PathBuf {
        let what = match self {
            Self::Enrolled(Enrolled::Clips(n)) => format!("enrolled-{n}"),
            Self::Enrolled(Enrolled::All) => "enrolled-all".to_owned(),
            Self::Under(condition) => {
                format!("condition-{}", condition.to_string().replace(' ', "_"))
            }
        };
        dir.join(format!("{name}-{what}.csv"))
    }
}

/// Answers on the same clips.
#[derive(Debug, Clone)]
pub struct Answers {
    /// Of each clip alone.
    pub plain: Predictions,
    /// What was measured otherwise; no enrolment for a model that does not enrol.
    otherwise: Vec<(Circumstance, Predictions)>,
}

impl Answers {
    /// Asks a model, of each clip alone and with so much of the speaker known.
    pub fn of(
        model: &Model,
        data: &Prepared,
        part: &[usize],
        split: &str,
        curve: &[Enrolled],
    ) -> Result<Self> {
        let (corpus, heard) = (&data.corpus, heard(model, data, part)?);
        let mut otherwise = Vec::new();
        if model.enrols() {
            for &known in curve {
                let found = with_enrolment(model, corpus, &heard, part, split, known)?;
                if !found.is_empty() {
                    let found = Predictions::new(model.labels.clone(), found)?;
                    otherwise.push((Circumstance::Enrolled(known), found));
                }
            }
        }
        Ok(Self {
            plain: alone(model, corpus, &heard, part, split)?,
            otherwise,
        })
    }

    /// Adds answers on the clips as each condition leaves them, where there are none yet.
    pub fn add_conditions(
        &mut self,
        model: &Model,
        corpus: &Corpus,
        part: &[usize],
        split: &str,
        store: Option<&Path>,
        bar: &ProgressBar,
    ) -> Result<()> {
        let configs = model.views();
        let clips = part.iter().map(|&i| corpus.clips()[i].path.as_path());
        let paths: Vec<&Path> = clips.collect();
        for condition in Condition::STANDARD {
            if self.in_case(Circumstance::Under(condition)).is_none() {
                let clips = hear_under(condition, &configs, &paths, store)?;
                let views: Vec<&[Features]> = clips.iter().map(Vec::as_slice).collect();
                let answers = model.predict(&views)?;
                let rows = rows(model, corpus, part, answers, split)?;
                let answers = Predictions::new(model.labels.clone(), rows)?;
                self.otherwise
                    .push((Circumstance::Under(condition), answers));
            }
            bar.inc(1);
        }
        Ok(())
    }

    /// Writes `NAME.csv`, and a file beside it for each circumstance; those of earlier answers go.
    pub fn write(&self, dir: &Path, name: &str) -> Result<()> {
        for circumstance in Circumstance::all() {
            let file = circumstance.file(dir, name);
            match self.in_case(circumstance) {
                Some(answers) => answers.write_csv(file)?,
                None => remove_file(file)?,
            }
        }
        // Last: where it is, the others are.
        Ok(self.plain.write_csv(dir.join(format!("{name}.csv")))?)
    }

    /// Removes what [`Answers::write`] wrote.
    pub fn remove(dir: &Path, name: &str) -> Result<()> {
        for circumstance in Circumstance::all() {
            remove_file(circumstance.file(dir, name))?;
        }
        Ok(remove_file(dir.join(format!("{name}.csv")))?)
    }

    /// Reads what [`Answers::write`] wrote; `None` where there is nothing.
    pub fn read(dir: &Path, name: &str) -> Result<Option<Self>> {
        let plain = dir.join(format!("{name}.csv"));
        if !plain.is_file() {
            return Ok(None);
        }
        let mut otherwise = Vec::new();
        for circumstance in Circumstance::all() {
            let file = circumstance.file(dir, name);
            if file.is_file() {
                otherwise.push((circumstance, Predictions::read_csv(file)?));
            }
        }
        Ok(Some(Self {
            plain: Predictions::read_csv(plain)?,
            otherwise,
        }))
    }

    /// The answers of several splits together.
    pub fn pool(parts: Vec<Self>) -> Result<Self> {
        let mut otherwise = Vec::new();
        for circumstance in Circumstance::all() {
            let of = |part: &Self| part.in_case(circumstance).cloned();
            let answers: Vec<Predictions> = parts.iter().filter_map(of).collect();
            if circumstance.is_enough(answers.len(), parts.len()) {
                otherwise.push((circumstance, Predictions::pool(answers)?));
            }
        }
        Ok(Self {
            plain: Predictions::pool(parts.into_iter().map(|part| part.plain))?,
            otherwise,
        })
    }

    /// The weighted mean answers of several recipes, as a model that joins them gives: once a speaker
    /// is known, those answer that can make use of it.
    pub fn average(members: &[(f64, impl Borrow<Self>)]) -> Result<Self> {
        let plain = members
            .iter()
            .map(|(weight, answers)| (*weight, &answers.borrow().plain));
        let mut otherwise = Vec::new();
        for circumstance in Circumstance::all() {
            let found = members.iter().filter_map(|(weight, answers)| {
                Some((*weight, answers.borrow().in_case(circumstance)?))
            });
            let found: Vec<_> = found.collect();
            if circumstance.is_enough(found.len(), members.len()) {
                otherwise.push((circumstance, Predictions::average(found)?));
            }
        }
        Ok(Self {
            plain: Predictions::average(plain)?,
            otherwise,
        })
    }

    /// The answers after enrolment, as reports want them.
    pub fn described(&self) -> Vec<report::Enrolled> {
        let described = self.enrolled().map(|(known, answers)| report::Enrolled {
            label: match known {
                Enrolled::Clips(n) => n.to_string(),
                Enrolled::All => "all (transductive)".to_owned(),
            },
            description: known.to_string(),
            predictions: answers.clone(),
        });
        described.collect()
    }

    /// The answers after enrolment, with rising knowledge.
    pub fn enrolled(&self) -> impl Iterator<Item = (Enrolled, &Predictions)> {
        self.otherwise.iter().filter_map(|(at, answers)| match at {
            Circumstance::Enrolled(known) => Some((*known, answers)),
            Circumstance::Under(_) => None,
        })
    }

    /// The answers under conditions.
    pub fn conditions(&self) -> impl Iterator<Item = (Condition, &Predictions)> {
        self.otherwise.iter().filter_map(|(at, answers)| match at {
            Circumstance::Under(condition) => Some((*condition, answers)),
            Circumstance::Enrolled(_) => None,
        })
    }

    fn in_case(&self, circumstance: Circumstance) -> Option<&Predictions> {
        let found = self.otherwise.iter().find(|(at, _)| *at == circumstance);
        found.map(|(_, answers)| answers)
    }
}

/// A model's answers on some clips of a corpus, all of emotions the model knows.
pub fn predict(model: &Model, data: &Prepared, part: &[usize], split: &str) -> Result<Predictions> {
    alone(model, &data.corpus, &heard(model, data, part)?, part, split)
}

/// Answers on each clip alone.
fn alone(
    model: &Model,
    corpus: &Corpus,
    heard: &Heard,
    part: &[usize],
    split: &str,
) -> Result<Predictions> {
    let answers = model.predict(&of(heard, part))?;
    let rows = rows(model, corpus, part, answers, split)?;
    Ok(Predictions::new(model.labels.clone(), rows)?)
}

/// Answers when some clips of each speaker are known without their labels. A speaker with too few
/// clips answers none.
fn with_enrolment(
    model: &Model,
    corpus: &Corpus,
    heard: &Heard,
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
        for speaker in corpus.speakers() {
            let own = |&&i: &&usize| corpus.clips()[i].speaker == speaker;
            let mut clips: Vec<usize> = part.iter().filter(own).copied().collect();
            let (enrolled, asked) = match known {
                Enrolled::All => (&clips[..], &clips[..]),
                Enrolled::Clips(n) if n < clips.len() => {
                    clips.shuffle(&mut rng);
                    clips.split_at(n)
                }
                Enrolled::Clips(_) => continue,
            };
            let speaker = model.enrol(&of(heard, enrolled))?;
            let answers = model.predict_enrolled(&of(heard, asked), &speaker)?;
            let name = format!("{split}{DRAW}{draw}");
            found.extend(rows(model, corpus, asked, answers, &name)?);
        }
    }
    Ok(found)
}

/// The features that a model takes of clips, by the clips' places in their corpus.
type Heard = BTreeMap<usize, Vec<Features>>;

/// Those of some clips.
fn of<'a>(heard: &'a Heard, clips: &[usize]) -> Vec<&'a [Features]> {
    clips.iter().map(|i| &heard[i][..]).collect()
}

/// What a model takes of some clips.
fn heard(model: &Model, data: &Prepared, part: &[usize]) -> Result<Heard> {
    let place = |config: &FeatureConfig| {
        let wanted = View::clean(config.clone());
        let place = data.views.iter().position(|view| *view == wanted);
        place.with_context(|| format!("{}: a view was not extracted", model.name))
    };
    let places = model.views().into_iter().map(place);
    let places = places.collect::<Result<Vec<usize>>>()?;
    let of = |&i: &usize| {
        let features = places.iter().map(|&at| data.features[i][at].clone());
        (i, features.collect())
    };
    Ok(part.iter().map(of).collect())
}

/// A model's answers with what is known of their clips.
fn rows(
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
            clip: clip.name.clone(),
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
