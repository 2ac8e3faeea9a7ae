//! Reads and writes the model file, which `docs/model-format.md` describes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use ser_eval::ConfidenceThreshold;
use ser_files::write_file;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use crate::density::{Density, DensityInfo, statistics_count};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::provenance::Provenance;
use crate::trained_network::{NetworkInfo, TrainedNetwork};
use crate::weights::{Sink, Source, Tensor, Tensors};

/// Prefix of the tensor names of a density.
const DENSITY: &str = "density.";
/// Version of the file format. It is raised when an older program could not read the file correctly.
const FORMAT: u32 = 5;
/// Key of the only metadata entry. There is only one because the safetensors header does not keep the order of several.
const METADATA_KEY: &str = "ser";
/// Largest number of networks of a model. A file may come from an untrusted source; a value above this limit or those
/// below is a mistake or an attack.
pub const MOST_NETWORKS: usize = 64;
/// Largest number of components of a density.
const MOST_COMPONENTS: usize = 1 << 12;
/// Largest size in bytes of the file of a model or of an enrolled speaker.
const LARGEST_FILE: u64 = 1 << 32;

/// The content of the metadata entry.
#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    format: u32,
    /// XXH3-128 of the text of `model` followed by the tensors of the file, in hexadecimal.
    checksum: String,
    /// The JSON of a [`Header`].
    #[serde(borrow)]
    model: &'a RawValue,
}

/// The description of the model: everything but the tensors.
#[derive(Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) program: String,
    pub(crate) name: String,
    pub(crate) labels: Vec<String>,
    pub(crate) temperature: f64,
    pub(crate) enrolled_temperature: f64,
    pub(crate) confidence_threshold: Option<ConfidenceThreshold>,
    pub(crate) enrolled_confidence_threshold: Option<ConfidenceThreshold>,
    pub(crate) networks: Vec<NetworkInfo>,
    #[serde(default)]
    pub(crate) density: Option<DensityInfo>,
    pub(crate) provenance: Provenance,
    /// Text of the recipe. Nothing in this crate reads it; `ser evaluate` and `ser fit --from` read `labels` and
    /// `counted_as` of its `[task]`.
    pub(crate) recipe: String,
}

/// The built-in model, which `data/models/README.md` describes.
const BUILT_IN: &[u8] = include_bytes!("../../../data/models/robust.safetensors");

impl Model {
    /// Returns the model that is built into this crate, for recordings of any kind. It distinguishes eight emotions and
    /// was trained on RAVDESS.
    ///
    /// # Errors
    /// The same as for [`Model::from_bytes`].
    pub fn built_in() -> Result<Self> {
        Self::from_bytes(BUILT_IN, Path::new("robust.safetensors"))
    }

    /// Writes the model as one safetensors file. The file is first written under a temporary name in the same folder,
    /// and then renamed.
    ///
    /// The model that is read from the file is the same to the last bit. A tensor whose values are all exactly 16-bit
    /// floats is stored in 16 bits (see [`Model::in_half_precision`]).
    ///
    /// # Errors
    /// [`Error::ModelFile`] for a model that [`Model::load`] would refuse; [`Error::Io`] if the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(write_file(path, self.contents(path)?)?)
    }

    /// Returns the bytes of the file that [`Model::save`] writes.
    ///
    /// # Errors
    /// [`Error::ModelFile`] for a model that [`Model::load`] would refuse.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.contents(Path::new(&self.name))
    }

    fn contents(&self, path: &Path) -> Result<Vec<u8>> {
        let header = Header {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            name: self.name.clone(),
            labels: self.labels.clone(),
            temperature: self.temperature,
            enrolled_temperature: self.enrolled_temperature,
            confidence_threshold: self.confidence_threshold,
            enrolled_confidence_threshold: self.enrolled_confidence_threshold,
            networks: self.networks.iter().map(|n| n.info.clone()).collect(),
            density: self.density.as_ref().map(|d| d.info.clone()),
            provenance: self.provenance.clone(),
            recipe: self.recipe.clone(),
        };
        header.check(path)?;
        self.serialise(&header, path)
    }

    fn serialise(&self, header: &Header, path: &Path) -> Result<Vec<u8>> {
        let unfit = |e: &dyn std::fmt::Display| {
            Error::file(path, "contents", "what a model file can hold", e)
        };
        let header = serde_json::value::to_raw_value(header).map_err(|e| unfit(&e))?;
        let mut arrays = self.tensors();
        if let Some(density) = &self.density {
            density.store(Sink {
                tensors: &mut arrays,
                prefix: DENSITY.to_owned(),
            });
        }
        let mut tensors = BTreeMap::new();
        for (name, Tensor { shape, values }) in arrays {
            tensors.insert(name, (shape, stored(&values)));
        }
        let views = tensors
            .iter()
            .map(|(name, (shape, (dtype, bytes)))| {
                let view = TensorView::new(*dtype, shape.clone(), bytes);
                view.map(|view| (name.as_str(), view))
                    .map_err(|e| unfit(&e))
            })
            .collect::<Result<Vec<_>>>()?;
        let data = tensors.values().map(|(_, (_, bytes))| bytes.as_slice());
        let envelope = Envelope {
            format: FORMAT,
            checksum: checksum(header.get(), data),
            model: &header,
        };
        let envelope = serde_json::to_string(&envelope).map_err(|e| unfit(&e))?;
        let metadata = Some([(METADATA_KEY.to_owned(), envelope)].into());
        safetensors::serialize(views, metadata).map_err(|e| unfit(&e))
    }

    /// Reads a model file and checks its format, its description, its checksum, and the name, type and shape of every
    /// tensor.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::ModelFile`] if it is larger than 4 GiB or not a regular file,
    /// and as for [`Model::from_bytes`].
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_bytes(&read(path)?, path)
    }

    /// Reads a model file that is in memory, with the checks of [`Model::load`]. Error messages name `path`.
    ///
    /// The memory that is allocated is at most a small multiple of the length of the file.
    ///
    /// # Errors
    /// [`Error::ModelFile`] if the bytes are not a model file, or the file is damaged, has another format, or
    /// contradicts its own description.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        let wrong = |what: &str, expected: &str, actual: &dyn std::fmt::Display| {
            Error::file(path, what, expected, actual)
        };
        let no_safetensors = |e| wrong("not a model file", "safetensors", &e);
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(no_safetensors)?;
        let metadata = metadata.metadata().as_ref();
        let header = metadata.and_then(|m| m.get(METADATA_KEY)).ok_or_else(|| {
            let actual = format!("no entry `{METADATA_KEY}`");
            wrong("metadata", "a model written by ser", &actual)
        })?;
        // Read the format first, because this program may not be able to read the rest of a newer header.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let unreadable = |e: serde_json::Error| wrong("metadata", "a readable header", &e);
        let version: Version = serde_json::from_str(header).map_err(unreadable)?;
        let envelope: Envelope =
            serde_json::from_str(header).map_err(|e| match version.format {
                FORMAT => unreadable(e),
                other => other_format(path, other),
            })?;
        if version.format != FORMAT {
            return Err(other_format(path, version.format));
        }
        let model = envelope.model.get();
        let header: Header = serde_json::from_str(model).map_err(unreadable)?;
        header.check(path)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(no_safetensors)?;
        let tensors = read_tensors(&tensors, &envelope, path)?;
        header.build(tensors, path)
    }
}

/// Reads a file whole. A device or a pipe may have no end, so it is not read.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::ModelFile`] if it is larger than 4 GiB or not a regular file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let io = ser_files::Error::at(path);
    let found = std::fs::metadata(path).map_err(&io)?;
    if found.is_file() && found.len() <= LARGEST_FILE {
        return Ok(std::fs::read(path).map_err(io)?);
    }
    let actual = if found.is_file() {
        format!("{} bytes", found.len())
    } else {
        "a folder, a pipe or a device".to_owned()
    };
    Err(Error::file(
        path,
        "contents",
        "a file of at most 4 GiB",
        actual,
    ))
}

/// Names the file in an error that concerns its contents.
fn in_file(path: &Path, error: Error) -> Error {
    match error {
        Error::Weights {
            tensor,
            expected,
            actual,
        } => Error::file(path, &tensor, &expected, actual),
        Error::Network {
            key,
            expected,
            actual,
        } => Error::file(path, key, &expected, actual),
        error => error,
    }
}

fn other_format(path: &Path, format: u32) -> Error {
    let actual =
        format!("{format}: train the model again, or use the version of ser that wrote it");
    Error::file(path, "format", &FORMAT.to_string(), actual)
}

/// Reads the tensors of a file in the order of their names, and compares their checksum with the stated one.
fn read_tensors(file: &SafeTensors, envelope: &Envelope, path: &Path) -> Result<Tensors> {
    let mut views: Vec<_> = file.iter().collect();
    views.sort_unstable_by_key(|(name, _)| *name);
    let mut tensors = Tensors::new();
    for (name, view) in &views {
        let values = match view.dtype() {
            Dtype::F32 => {
                let (values, _) = view.data().as_chunks();
                values.iter().map(|v| f32::from_le_bytes(*v)).collect()
            }
            Dtype::F16 => {
                let (values, _) = view.data().as_chunks();
                values
                    .iter()
                    .map(|v| f16::from_le_bytes(*v).to_f32())
                    .collect()
            }
            other => return Err(Error::file(path, name, "F32 or F16", format!("{other:?}"))),
        };
        let shape = view.shape().to_vec();
        tensors.insert((*name).to_owned(), Tensor { shape, values });
    }
    let data = views.iter().map(|(_, view)| view.data());
    let found = checksum(envelope.model.get(), data);
    // A fuzzer cannot guess the checksum, so under a fuzzer any checksum is accepted.
    if found != envelope.checksum && !cfg!(fuzzing) {
        let expected = format!("{}, as the header states", envelope.checksum);
        let actual = format!("{found}: the file is damaged; copy or download it again");
        return Err(Error::file(path, "checksum", &expected, actual));
    }
    Ok(tensors)
}

/// Returns the bytes of a tensor and their type: 16-bit floats if these represent every value exactly, otherwise 32-bit
/// floats.
fn stored(values: &[f32]) -> (Dtype, Vec<u8>) {
    let exact = |&value: &f32| f16::from_f32(value).to_f32().to_bits() == value.to_bits();
    if values.iter().all(exact) {
        let halves = values.iter().map(|v| f16::from_f32(*v).to_le_bytes());
        return (Dtype::F16, halves.flatten().collect());
    }
    let bytes = values.iter().flat_map(|v| v.to_le_bytes());
    (Dtype::F32, bytes.collect())
}

/// Computes the checksum of the description followed by the tensors, which are in the order of their names.
fn checksum<'a>(description: &str, tensors: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash = Xxh3::new();
    hash.update(description.as_bytes());
    tensors.for_each(|tensor| hash.update(tensor));
    format!("{:032x}", hash.digest128())
}

impl Header {
    /// Checks that the description is valid.
    fn check(&self, path: &Path) -> Result<()> {
        let wrong = |what: &str, expected: &str, actual: String| {
            Err(Error::file(path, what, expected, actual))
        };
        if self.labels.len() < 2 {
            return wrong("labels", "two or more", self.labels.len().to_string());
        }
        let distinct: BTreeSet<&String> = self.labels.iter().collect();
        if distinct.len() < self.labels.len() {
            return wrong("labels", "each label once", self.labels.join(", "));
        }
        let positive = |x: f64| x.is_finite() && x > 0.0;
        for (key, temperature) in [
            ("temperature", self.temperature),
            ("enrolled_temperature", self.enrolled_temperature),
        ] {
            if !positive(temperature) {
                return wrong(key, "above 0", temperature.to_string());
            }
        }
        let legible = |label: &&String| {
            !label.trim().is_empty() && !label.contains(char::is_control) && !label.contains("-->")
        };
        if let Some(label) = self.labels.iter().find(|label| !legible(label)) {
            return wrong(
                "labels",
                "visible text on one line, without `-->`",
                format!("{label:?}"),
            );
        }
        for (key, threshold) in [
            ("confidence_threshold", self.confidence_threshold),
            (
                "enrolled_confidence_threshold",
                self.enrolled_confidence_threshold,
            ),
        ] {
            let shares = threshold.map(|t| [t.threshold, t.accuracy_below, t.accuracy_above]);
            for share in shares.into_iter().flatten() {
                if !(0.0..=1.0).contains(&share) {
                    return wrong(key, "from 0 to 1", share.to_string());
                }
            }
        }
        if !(1..=MOST_NETWORKS).contains(&self.networks.len()) {
            let expected = format!("from 1 to {MOST_NETWORKS}");
            return wrong("networks", &expected, self.networks.len().to_string());
        }
        for network in &self.networks {
            network.check().map_err(|error| in_file(path, error))?;
        }
        let Some(density) = &self.density else {
            return Ok(());
        };
        if density.network >= self.networks.len() {
            let expected = format!("below {}", self.networks.len());
            return wrong("density.network", &expected, density.network.to_string());
        }
        if density.components > MOST_COMPONENTS {
            let expected = format!("at most {MOST_COMPONENTS}");
            return wrong(
                "density.components",
                &expected,
                density.components.to_string(),
            );
        }
        for value in [density.rest, density.limit] {
            if !positive(f64::from(value)) {
                return wrong("density", "a rest and a limit above 0", value.to_string());
            }
        }
        Ok(())
    }

    /// Builds the described model from the tensors.
    fn build(self, mut tensors: Tensors, path: &Path) -> Result<Model> {
        let classes = self.labels.len();
        let misfit = |error| in_file(path, error);
        let mut networks = Vec::new();
        for (i, info) in self.networks.into_iter().enumerate() {
            let network = TrainedNetwork::take(info, classes, &mut tensors, &format!("{i}."));
            networks.push(network.map_err(misfit)?);
        }
        let density = self.density.map(|info| {
            let NetworkInfo {
                input,
                standardiser,
                ..
            } = &networks[info.network].info;
            let size = statistics_count(input, standardiser);
            let source = Source {
                tensors: &mut tensors,
                prefix: DENSITY.to_owned(),
            };
            Density::take(info, size, source).map_err(misfit)
        });
        let density = density.transpose()?;
        if let Some(extra) = tensors.into_keys().next() {
            let expected = "those of the described networks";
            let actual = format!("also `{extra}`");
            return Err(Error::file(path, "tensors", expected, actual));
        }
        let mut model = Model::new(
            &self.name,
            self.labels,
            networks,
            self.provenance,
            self.recipe,
        );
        model.temperature = self.temperature;
        model.enrolled_temperature = self.enrolled_temperature;
        model.density = density;
        model.confidence_threshold = self.confidence_threshold;
        model.enrolled_confidence_threshold = self.enrolled_confidence_threshold;
        Ok(model)
    }
}
