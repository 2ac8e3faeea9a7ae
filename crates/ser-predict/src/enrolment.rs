//! Enrolled speakers, and the file that stores one.

use std::path::Path;

use ser_files::write_private;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::file;
use crate::model::Model;
use crate::predictor::Predictor;

/// Version of the file format. It is raised when an older program could not read the file correctly.
const FORMAT: u32 = 1;

/// An enrolled speaker: how far the embeddings of the voice lie from those of the average voice, in each view of each
/// network of the model that computed them. See [`Model::enrol`].
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolment {
    /// Number of clips that it was computed from.
    pub(crate) clips: usize,
    /// One offset `[E]` for each view of each network; `None` for a network that was trained without enrolment.
    pub(crate) offsets: Vec<Option<Vec<f32>>>,
}

/// The largest number of characters in the name of a speaker. It is limited because a file name has at most 255 bytes.
pub const LONGEST_SPEAKER_NAME: usize = 60;

/// Returns whether `name` is valid as the name of a speaker, and therefore as the name of the file that stores the
/// enrolment.
///
/// A valid name has at most [`LONGEST_SPEAKER_NAME`] characters, which are letters, digits, `-`, `_` and `.`; the first
/// one is a letter or a digit.
#[must_use]
pub fn is_speaker_name(name: &str) -> bool {
    name.starts_with(char::is_alphanumeric)
        && name.chars().count() <= LONGEST_SPEAKER_NAME
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "-_.".contains(c))
}

/// The content of the file, as JSON.
#[derive(Serialize, Deserialize)]
struct Kept {
    format: u32,
    /// Name of the model that the speaker was enrolled with; `fingerprint` is its [`Model::fingerprint`].
    model: String,
    fingerprint: String,
    clips: usize,
    offsets: Vec<Option<Vec<f32>>>,
}

impl Kept {
    fn read(path: &Path) -> Result<Self> {
        Self::parse(&file::read(path)?, path)
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
    /// Returns the enrolment that leaves all answers as they are.
    pub(crate) fn nobody(model: &Model) -> Self {
        Self {
            clips: 0,
            offsets: vec![None; model.network_views().count()],
        }
    }

    /// Returns whether any network treats the clips of this speaker differently from those of an unknown speaker.
    pub(crate) fn is_somebody(&self) -> bool {
        self.offsets.iter().any(Option::is_some)
    }

    /// Returns the number of clips that the enrolment was computed from.
    #[must_use]
    pub fn clips(&self) -> usize {
        self.clips
    }

    /// Returns a hash of the offsets, in hexadecimal, which distinguishes this enrolment from others.
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

    /// Writes the enrolment as a JSON file, which [`Enrolment::load`] reads with the same model. On Unix only its owner may
    /// read it: it describes a voice.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn save(&self, model: &Model, path: &Path) -> Result<()> {
        let text = self.to_json(model);
        let text = text.map_err(|e| Error::file(path, "contents", "JSON", e))?;
        Ok(write_private(path, text)?)
    }

    /// Returns the JSON that [`Enrolment::save`] writes.
    ///
    /// # Errors
    /// Those of `serde_json`; none is known to occur.
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
    /// [`Error::Io`] if the file cannot be read; [`Error::ModelFile`] if it is larger than 4 GiB or not a regular file,
    /// is damaged, has another format, or belongs to another model.
    pub fn load(model: &Model, path: &Path) -> Result<Self> {
        Self::of(Kept::read(path)?, model, &model.fingerprint(), path)
    }

    /// Reads a speaker as [`Enrolment::load`] does, and computes the fingerprint of the model only for the first one.
    ///
    /// # Errors
    /// The same as for [`Enrolment::load`].
    pub fn load_for(predictor: &Predictor, path: &Path) -> Result<Self> {
        let (model, fingerprint) = (predictor.model(), predictor.fingerprint());
        Self::of(Kept::read(path)?, model, fingerprint, path)
    }

    /// Reads the JSON that [`Enrolment::to_json`] returned. Error messages name `path`.
    ///
    /// # Errors
    /// [`Error::ModelFile`] as for [`Enrolment::load`].
    pub fn from_json(model: &Model, json: &[u8], path: &Path) -> Result<Self> {
        let kept = Kept::parse(json, path)?;
        Self::of(kept, model, &model.fingerprint(), path)
    }

    fn of(kept: Kept, model: &Model, fingerprint: &str, path: &Path) -> Result<Self> {
        if kept.fingerprint != fingerprint {
            let expected = format!("a speaker enrolled with this model, {}", model.name);
            let actual = format!(
                "one enrolled with another model, {}: enrol again",
                kept.model
            );
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

    /// Reads the name of the model that a speaker was enrolled with.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::ModelFile`] as for [`Enrolment::load`], except that any model
    /// will do.
    pub fn model_of(path: &Path) -> Result<String> {
        Ok(Kept::read(path)?.model)
    }

    /// Checks that the enrolment has the sizes of one with this model.
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
