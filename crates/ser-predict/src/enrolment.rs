//! What is known of a speaker, and how it is kept in a file.

use std::path::Path;

use ser_files::write_file;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::model::Model;

/// Format of the file; raised when an older program could not read it rightly.
const FORMAT: u32 = 1;

/// How far the embeddings of a voice lie from the average voice's, in each view of each network of the model that made
/// it: see [`Model::enrol`].
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolment {
    /// Clips it was made from.
    pub(crate) clips: usize,
    /// `[E]`; nothing for a network that was trained without enrolment.
    pub(crate) offsets: Vec<Option<Vec<f32>>>,
}

/// The most characters of a speaker's name: names of files have 255 bytes at most.
pub const LONGEST_SPEAKER_NAME: usize = 60;

/// Whether a name can be that of a speaker, by which what is known of the voice is kept in a file: letters, digits, `-`, `_`
/// and `.`, [`LONGEST_SPEAKER_NAME`] at most, a letter or a digit first.
#[must_use]
pub fn is_speaker_name(name: &str) -> bool {
    name.starts_with(char::is_alphanumeric)
        && name.chars().count() <= LONGEST_SPEAKER_NAME
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "-_.".contains(c))
}

/// What the file holds, as JSON.
#[derive(Serialize, Deserialize)]
struct Kept {
    format: u32,
    /// Name of the model that it was made with, and its [`Model::fingerprint`].
    model: String,
    fingerprint: String,
    clips: usize,
    offsets: Vec<Option<Vec<f32>>>,
}

impl Kept {
    fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(ser_files::Error::at(path))?;
        Self::parse(&bytes, path)
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let kept: Self = serde_json::from_slice(bytes).map_err(|e| {
            let actual = format!("something else ({e}): enrol again");
            Error::file(path, "contents", "an enrolled speaker", actual)
        })?;
        match kept.format {
            FORMAT => Ok(kept),
            other => {
                let actual = format!("{other}: enrol again");
                Err(Error::file(path, "format", &FORMAT.to_string(), actual))
            }
        }
    }
}

impl Enrolment {
    /// The enrolment that changes nothing.
    pub(crate) fn nobody(model: &Model) -> Self {
        Self {
            clips: 0,
            offsets: vec![None; model.network_views().count()],
        }
    }

    /// Whether any network hears the speaker's clips otherwise than those of a stranger.
    pub(crate) fn is_somebody(&self) -> bool {
        self.offsets.iter().any(Option::is_some)
    }

    /// Number of clips it was made from.
    #[must_use]
    pub fn clips(&self) -> usize {
        self.clips
    }

    /// What tells this enrolment from others: a hash of what is known of the voice, in hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Xxh3::new();
        for offset in &self.offsets {
            let values = offset.as_deref().unwrap_or_default();
            hash.update(&values.len().to_le_bytes());
            values
                .iter()
                .for_each(|value| hash.update(&value.to_le_bytes()));
        }
        format!("{:032x}", hash.digest128())
    }

    /// Writes it as a JSON file for [`Enrolment::load`] with the same model.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that cannot be written.
    pub fn save(&self, model: &Model, path: &Path) -> Result<()> {
        let text = self.to_json(model);
        let text = text.map_err(|e| Error::file(path, "contents", "JSON", e))?;
        Ok(write_file(path, text)?)
    }

    /// What [`Enrolment::save`] writes.
    ///
    /// # Errors
    /// None is known.
    pub fn to_json(&self, model: &Model) -> serde_json::Result<String> {
        let kept = Kept {
            format: FORMAT,
            model: model.name.clone(),
            fingerprint: model.fingerprint(),
            clips: self.clips,
            offsets: self.offsets.clone(),
        };
        serde_json::to_string(&kept)
    }

    /// Reads a speaker that was enrolled with this model.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::ModelFile`] for a damaged file, one of another format, and one of another model.
    pub fn load(model: &Model, path: &Path) -> Result<Self> {
        Self::of(Kept::read(path)?, model, path)
    }

    /// As [`Enrolment::load`], of what [`Enrolment::to_json`] gave; `path` is for error messages.
    ///
    /// # Errors
    /// As [`Enrolment::load`].
    pub fn from_json(model: &Model, json: &[u8], path: &Path) -> Result<Self> {
        Self::of(Kept::parse(json, path)?, model, path)
    }

    fn of(kept: Kept, model: &Model, path: &Path) -> Result<Self> {
        if kept.fingerprint != model.fingerprint() {
            let expected = format!("a speaker enrolled with this model, {}", model.name);
            let actual = format!("one enrolled with another, {}: enrol again", kept.model);
            return Err(Error::file(path, "model", &expected, actual));
        }
        let enrolment = Self {
            clips: kept.clips,
            offsets: kept.offsets,
        };
        let mut values = enrolment.offsets.iter().flatten().flatten();
        if !values.all(|v| v.is_finite()) || enrolment.check(model).is_err() {
            let expected = "one for each view of each network";
            let actual = "other sizes, or values that are not finite";
            return Err(Error::file(path, "offsets", expected, actual));
        }
        Ok(enrolment)
    }

    /// Name of the model that a speaker was enrolled with.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::ModelFile`] for a damaged file and one of another format.
    pub fn model_of(path: &Path) -> Result<String> {
        Ok(Kept::read(path)?.model)
    }

    /// Whether it has the sizes of an enrolment with this model.
    pub(crate) fn check(&self, model: &Model) -> Result<()> {
        let wrong = |what, expected: usize, actual: usize| {
            Err(Error::Shape {
                what,
                expected: expected.to_string(),
                actual: actual.to_string(),
            })
        };
        let expected = model.network_views().count();
        if self.offsets.len() != expected {
            let what = "views of the networks of the enrolment";
            return wrong(what, expected, self.offsets.len());
        }
        for ((network, _), offset) in model.network_views().zip(&self.offsets) {
            let expected = network.centre.as_ref().map_or(0, Vec::len);
            if let Some(values) = offset
                && values.len() != expected
            {
                return wrong("values of an enrolled voice", expected, values.len());
            }
        }
        Ok(())
    }
}
