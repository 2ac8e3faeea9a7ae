//! A speaker as a file.

use std::path::Path;

use ser_eval::write_file;
use serde::{Deserialize, Serialize};
use tch::Tensor;
use xxhash_rust::xxh3::Xxh3;

use super::{Enrolment, Model};
use crate::error::{Error, Result};

/// Format of the file; raised when an older program could not read it rightly.
const FORMAT: u32 = 1;

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

impl Enrolment {
    /// Number of clips it was made from.
    #[must_use]
    pub fn clips(&self) -> usize {
        self.clips
    }

    /// Writes it as a JSON file for [`Enrolment::load`] with the same model.
    ///
    /// # Errors
    /// [`Error::Eval`] for a file that cannot be written, libtorch's.
    pub fn save(&self, model: &Model, path: &Path) -> Result<()> {
        let values = |offset: &Option<Tensor>| -> Result<Option<Vec<f32>>> {
            let values = offset.as_ref().map(|o| Vec::try_from(o.f_reshape([-1])?));
            Ok(values.transpose()?)
        };
        let kept = Kept {
            format: FORMAT,
            model: model.name.clone(),
            fingerprint: model.fingerprint()?,
            clips: self.clips,
            offsets: self.offsets.iter().map(values).collect::<Result<_>>()?,
        };
        let text = serde_json::to_string(&kept);
        let text = text.map_err(|e| wrong(path, "contents", "JSON", e.to_string()))?;
        Ok(write_file(path, text)?)
    }

    /// Reads a speaker that was enrolled with this model.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::ModelFile`] for a damaged file, one of another format, and one of
    /// another model.
    pub fn load(model: &Model, path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let kept: Kept = serde_json::from_str(&text)
            .map_err(|e| wrong(path, "contents", "an enrolled speaker", e.to_string()))?;
        if kept.format != FORMAT {
            let actual = kept.format.to_string();
            return Err(wrong(path, "format", &FORMAT.to_string(), actual));
        }
        if kept.fingerprint != model.fingerprint()? {
            let expected = format!("a speaker enrolled with this model, {}", model.name);
            let actual = format!("one enrolled with another, {}: enrol again", kept.model);
            return Err(wrong(path, "model", &expected, actual));
        }
        let fits = model.heard().zip(&kept.offsets).all(|((n, _), offset)| {
            let expected = n.centre.as_ref().map(Tensor::numel);
            let found = offset.as_ref();
            let finite = found.is_none_or(|values| values.iter().all(|v| v.is_finite()));
            finite && found.is_none_or(|values| Some(values.len()) == expected)
        });
        if !fits || kept.offsets.len() != model.heard().count() {
            let actual = "other sizes, or values that are not finite".to_owned();
            let expected = "one for each view of each network";
            return Err(wrong(path, "offsets", expected, actual));
        }
        let offsets = kept.offsets.iter().map(|values| {
            let tensor = values.as_ref().map(|values| Tensor::f_from_slice(values));
            Ok(tensor.transpose()?)
        });
        Ok(Self {
            clips: kept.clips,
            offsets: offsets.collect::<Result<_>>()?,
        })
    }
}

impl Model {
    /// What tells this model from others: a hash of its weights, in hexadecimal.
    ///
    /// # Errors
    /// libtorch's.
    pub fn fingerprint(&self) -> Result<String> {
        let mut hash = Xxh3::new();
        for (name, weight) in self.named_weights() {
            hash.update(name.as_bytes());
            for value in Vec::<f32>::try_from(weight.f_detach()?.f_reshape([-1])?)? {
                hash.update(&value.to_le_bytes());
            }
        }
        Ok(format!("{:032x}", hash.digest128()))
    }
}

fn wrong(path: &Path, what: &str, expected: &str, actual: String) -> Error {
    Error::ModelFile {
        path: path.to_owned(),
        what: what.to_owned(),
        expected: expected.to_owned(),
        actual,
    }
}
