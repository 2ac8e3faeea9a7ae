//! The model file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use ser_eval::{Doubt, write_file};
use ser_recipe::{Recipe, is_weight};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tch::Tensor;
use xxhash_rust::xxh3::Xxh3;

use super::{LIBTORCH_VERSION, Model, Provenance, TrainedNetwork};
use crate::error::{Error, Result};
use crate::standardiser::Standardiser;

/// Format of the model file; raised when an older program could not read it rightly.
const FORMAT: u32 = 3;
/// The one metadata entry of the file. One, because the safetensors header does not order several.
const METADATA_KEY: &str = "ser";

/// The metadata entry.
#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    format: u32,
    /// XXH3-128 of the text of `model` and then of the file's tensors, in hexadecimal.
    checksum: String,
    /// A [`Header`].
    #[serde(borrow)]
    model: &'a RawValue,
}

/// What describes the model.
#[derive(Serialize, Deserialize)]
struct Header {
    program: String,
    libtorch: String,
    name: String,
    labels: Vec<String>,
    temperature: f64,
    enrolled_temperature: f64,
    doubt: Option<Doubt>,
    enrolled_doubt: Option<Doubt>,
    networks: Vec<NetworkHeader>,
    provenance: Provenance,
}

#[derive(Serialize, Deserialize)]
struct NetworkHeader {
    weight: f64,
    epoch: u32,
    farthest: f32,
    recipe: Recipe,
    standardiser: Standardiser,
}

impl Model {
    /// Writes the model as one safetensors file: beside first, then under its name.
    ///
    /// # Errors
    /// [`Error::Eval`] for a file that cannot be written, libtorch's.
    pub fn save(&self, path: &Path) -> Result<()> {
        let header = Header {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            libtorch: LIBTORCH_VERSION.to_owned(),
            name: self.name.clone(),
            labels: self.labels.clone(),
            temperature: self.temperature,
            enrolled_temperature: self.enrolled_temperature,
            doubt: self.doubt,
            enrolled_doubt: self.enrolled_doubt,
            networks: self.networks.iter().map(NetworkHeader::of).collect(),
            provenance: self.provenance.clone(),
        };
        Ok(write_file(path, self.serialise(&header, path)?)?)
    }

    fn serialise(&self, header: &Header, path: &Path) -> Result<Vec<u8>> {
        let unfit = |e: &dyn std::fmt::Display| Error::ModelFile {
            path: path.to_owned(),
            what: "contents".to_owned(),
            expected: "what a model file can hold".to_owned(),
            actual: e.to_string(),
        };
        let header = serde_json::value::to_raw_value(header).map_err(|e| unfit(&e))?;
        let mut tensors = BTreeMap::new();
        for (name, tensor) in self.named_weights() {
            let shape: Vec<usize> = tensor.size().iter().map(|&d| d as usize).collect();
            let values = Vec::<f32>::try_from(tensor.f_detach()?.f_reshape([-1])?)?;
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            tensors.insert(name, (shape, bytes));
        }
        let views = tensors
            .iter()
            .map(|(name, (shape, bytes))| {
                let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
                view.map(|view| (name.as_str(), view))
                    .map_err(|e| unfit(&e))
            })
            .collect::<Result<Vec<_>>>()?;
        let data = tensors.values().map(|(_, bytes)| bytes.as_slice());
        let envelope = Envelope {
            format: FORMAT,
            checksum: checksum(header.get(), data),
            model: &header,
        };
        let envelope = serde_json::to_string(&envelope).map_err(|e| unfit(&e))?;
        let metadata = Some([(METADATA_KEY.to_owned(), envelope)].into());
        safetensors::serialize(views, metadata).map_err(|e| unfit(&e))
    }

    /// Every network's weights, with the network's number in front of the name.
    pub(super) fn named_weights(&self) -> BTreeMap<String, Tensor> {
        let networks = self.networks.iter().enumerate();
        let named = networks.flat_map(|(i, network)| {
            let weights = network.weights().into_iter();
            weights.map(move |(name, tensor)| (format!("{i}.{name}"), tensor))
        });
        named.collect()
    }

    /// Reads a model file and checks its format, its recipes and every tensor's name, type and
    /// shape.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Model::from_bytes`].
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        Self::from_bytes(&bytes, path)
    }

    /// As [`Model::load`], of a model file that is in memory; `path` is for error messages.
    ///
    /// No more memory is asked for than a small multiple of the file's length.
    ///
    /// # Errors
    /// [`Error::ModelFile`], and the recipe's own errors.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        let wrong = |what: &str, expected: &str, actual: String| Error::ModelFile {
            path: path.to_owned(),
            what: what.to_owned(),
            expected: expected.to_owned(),
            actual,
        };
        let (_, metadata) = SafeTensors::read_metadata(bytes)
            .map_err(|e| wrong("file", "a safetensors file", e.to_string()))?;
        let header = metadata
            .metadata()
            .as_ref()
            .and_then(|m| m.get(METADATA_KEY));
        let header = header.ok_or_else(|| {
            wrong(
                "metadata",
                "a model written by ser",
                format!("no entry `{METADATA_KEY}`"),
            )
        })?;
        // The format is read first: a newer file may have a header this program cannot read.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let read = |e: serde_json::Error| wrong("metadata", "a readable header", e.to_string());
        let version: Version = serde_json::from_str(header).map_err(read)?;
        if version.format != FORMAT {
            let actual = format!(
                "{} (train it again, or use the version of ser that wrote it)",
                version.format
            );
            return Err(wrong("format", &FORMAT.to_string(), actual));
        }
        let envelope: Envelope = serde_json::from_str(header).map_err(read)?;
        let header: Header = serde_json::from_str(envelope.model.get()).map_err(read)?;
        let model = header.build(path, bytes.len(), &wrong)?;
        model.fill(bytes, &envelope, &wrong)?;
        Ok(model)
    }

    /// Puts the tensors of the file into the networks.
    fn fill(
        &self,
        bytes: &[u8],
        envelope: &Envelope,
        wrong: &dyn Fn(&str, &str, String) -> Error,
    ) -> Result<()> {
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|e| wrong("file", "a safetensors file", e.to_string()))?;
        let weights = self.named_weights();
        let names = tensors.names();
        if let Some(extra) = names.into_iter().find(|name| !weights.contains_key(*name)) {
            return Err(wrong(
                "tensors",
                "those of the recipe's network",
                format!("also `{extra}`"),
            ));
        }
        let _guard = tch::no_grad_guard();
        let mut data = Vec::new();
        for (name, mut weight) in weights {
            let view = tensors
                .tensor(&name)
                .map_err(|e| wrong(&name, "a tensor", e.to_string()))?;
            let shape: Vec<usize> = weight.size().iter().map(|&d| d as usize).collect();
            if view.dtype() != Dtype::F32 || view.shape() != shape {
                let actual = format!("{:?} {:?}", view.dtype(), view.shape());
                return Err(wrong(&name, &format!("F32 {shape:?}"), actual));
            }
            data.push(view.data());
            let values: Vec<f32> = view
                .data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect();
            if !values.iter().all(|v| v.is_finite()) {
                return Err(wrong(
                    &name,
                    "finite values",
                    "infinite or not a number".to_owned(),
                ));
            }
            if name.ends_with("running_var") && values.iter().any(|&v| v < 0.0) {
                let actual = "one below 0".to_owned();
                return Err(wrong(&name, "variances", actual));
            }
            weight.f_copy_(&Tensor::f_from_slice(&values)?.f_reshape(weight.size())?)?;
        }
        let found = checksum(envelope.model.get(), data.into_iter());
        // Under a fuzzer, which cannot guess it, any checksum will do.
        if found != envelope.checksum && !cfg!(fuzzing) {
            let expected = format!("{}, as stated", envelope.checksum);
            let actual = format!("{found}: the file is damaged");
            return Err(wrong("checksum", &expected, actual));
        }
        Ok(())
    }
}

/// Of the description, and of the tensors in the order of their names.
fn checksum<'a>(description: &str, tensors: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash = Xxh3::new();
    hash.update(description.as_bytes());
    tensors.for_each(|tensor| hash.update(tensor));
    format!("{:032x}", hash.digest128())
}

impl Header {
    /// The model it describes, with weights still to be filled in. `len` is the file's length in bytes.
    fn build(
        self,
        path: &Path,
        len: usize,
        wrong: &dyn Fn(&str, &str, String) -> Error,
    ) -> Result<Model> {
        if self.labels.len() < 2 {
            let actual = self.labels.len().to_string();
            return Err(wrong("labels", "two or more", actual));
        }
        let distinct: BTreeSet<&String> = self.labels.iter().collect();
        if distinct.len() < self.labels.len() {
            return Err(wrong("labels", "each once", self.labels.join(", ")));
        }
        let positive = |x: f64| x.is_finite() && x > 0.0;
        for temperature in [self.temperature, self.enrolled_temperature] {
            if !positive(temperature) {
                return Err(wrong("temperature", "above 0", temperature.to_string()));
            }
        }
        if self.networks.is_empty() {
            return Err(wrong("networks", "one or more", "0".to_owned()));
        }
        let mut networks = Vec::new();
        let mut parameters = 0_u64;
        for header in self.networks {
            header.recipe.check(&path.display().to_string())?;
            if !is_weight(header.weight) {
                let expected = "above 0 and at most 1000000";
                return Err(wrong("weight", expected, header.weight.to_string()));
            }
            if !(header.farthest.is_finite() && header.farthest > 0.0) {
                return Err(wrong("farthest", "above 0", header.farthest.to_string()));
            }
            let coefficients = header.recipe.features.coefficients();
            let statistics = &header.standardiser;
            for values in [&statistics.mean, &statistics.deviation] {
                if values.len() != coefficients || !values.iter().all(|v| v.is_finite()) {
                    let expected = format!("{coefficients} finite values");
                    return Err(wrong("standardiser", &expected, format!("{values:?}")));
                }
            }
            if let Some(deviation) = statistics.deviation.iter().find(|&&v| v <= 0.0) {
                return Err(wrong("deviation", "above 0", deviation.to_string()));
            }
            // Room is made for what the file holds, and not for what it says.
            let (labels, network) = (self.labels.len(), &header.recipe.network);
            let asked = network.parameters(coefficients as i64, labels as i64);
            parameters = parameters.saturating_add(asked);
            if parameters > (len / size_of::<f32>()) as u64 {
                let expected = format!("{parameters} trained values");
                return Err(wrong("file", &expected, format!("{len} bytes")));
            }
            // Weights are drawn and then overwritten by the file's.
            let mut rng = ChaCha8Rng::seed_from_u64(0);
            let network =
                TrainedNetwork::new(header.recipe, header.standardiser, labels, &mut rng)?;
            networks.push(TrainedNetwork {
                farthest: header.farthest,
                weight: header.weight,
                epoch: header.epoch,
                ..network
            });
        }
        Ok(Model {
            name: self.name,
            labels: self.labels,
            temperature: self.temperature,
            enrolled_temperature: self.enrolled_temperature,
            doubt: self.doubt,
            enrolled_doubt: self.enrolled_doubt,
            provenance: self.provenance,
            networks,
        })
    }
}

impl NetworkHeader {
    fn of(network: &TrainedNetwork) -> Self {
        Self {
            weight: network.weight,
            farthest: network.farthest,
            epoch: network.epoch,
            recipe: network.recipe.clone(),
            standardiser: network.standardiser.clone(),
        }
    }
}
