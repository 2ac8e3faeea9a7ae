//! A trained model: one file with everything a prediction needs.

use std::collections::BTreeMap;
use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use ser_eval::write_file;
use ser_features::{FeatureExtractor, Features};
use serde::{Deserialize, Serialize};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::batch::{Batcher, Standardiser, window_starts};
use crate::error::{Error, Result};
use crate::network::Network;
use crate::recipe::Recipe;

/// Format of the model file; raised when an older program could not read it rightly.
const FORMAT: u32 = 1;
/// The one metadata entry of the file. One, because the safetensors header does not order several.
const METADATA_KEY: &str = "ser";
/// Windows that go through the network together.
const WINDOWS_PER_BATCH: usize = 64;

/// What a model was made from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the split, such as `fold-1`.
    pub split: String,
    /// Checksum of the corpus.
    pub corpus: String,
    /// Whether the corpus is synthetic.
    pub synthetic: bool,
    /// Speakers of the training and validation parts: clips of theirs measure nothing.
    pub speakers: Vec<String>,
    /// Content hashes of the training and validation clips.
    pub content: Vec<String>,
    /// The epoch whose weights are kept, counted from 1.
    pub best_epoch: u32,
}

/// The metadata entry.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    program: String,
    libtorch: String,
    labels: Vec<String>,
    recipe: Recipe,
    standardiser: Standardiser,
    provenance: Provenance,
}

/// A network with its labels, feature configuration, normaliser, recipe and origin.
#[derive(Debug)]
pub struct Model {
    /// Class names, in the order of the probabilities.
    pub labels: Vec<String>,
    /// The recipe it was trained by.
    pub recipe: Recipe,
    /// Statistics of the training part.
    pub standardiser: Standardiser,
    /// What it was made from.
    pub provenance: Provenance,
    pub(crate) network: Box<dyn Network>,
    vars: VarStore,
}

impl Model {
    pub(crate) fn new(
        recipe: Recipe,
        labels: Vec<String>,
        standardiser: Standardiser,
        provenance: Provenance,
        vars: VarStore,
        network: Box<dyn Network>,
    ) -> Self {
        Self {
            labels,
            recipe,
            standardiser,
            provenance,
            network,
            vars,
        }
    }

    /// The extractor this model's features come from.
    ///
    /// # Errors
    /// The feature configuration's.
    pub fn extractor(&self) -> Result<FeatureExtractor> {
        Ok(FeatureExtractor::new(&self.recipe.features)?)
    }

    /// Probabilities of the labels for each clip.
    ///
    /// A clip that is longer than the network's input is cut into evenly spread windows that
    /// cover it; its probabilities are their mean. A clip's answer does not depend on the others.
    ///
    /// # Errors
    /// [`Error::Shape`] for features of another width, libtorch's.
    pub fn predict(&self, clips: &[&Features]) -> Result<Vec<Vec<f32>>> {
        let _guard = tch::no_grad_guard();
        let windows: Vec<(usize, usize)> = clips
            .iter()
            .enumerate()
            .flat_map(|(i, clip)| {
                window_starts(clip.frames(), self.recipe.input.frames)
                    .into_iter()
                    .map(move |start| (i, start))
            })
            .collect();
        let mut sums = vec![vec![0.0_f32; self.labels.len()]; clips.len()];
        let mut counts = vec![0_u32; clips.len()];
        let mut batcher = Batcher::new(&self.recipe.input, &self.standardiser);
        for batch in windows.chunks(WINDOWS_PER_BATCH) {
            let views: Vec<_> = batch
                .iter()
                .map(|&(clip, start)| (clips[clip], start))
                .collect();
            let (x, lengths) = batcher.windows(&views)?;
            let scores = self.network.forward(&x, &lengths, None)?;
            let probabilities = scores.f_softmax(1, Kind::Float)?.f_flatten(0, 1)?;
            let probabilities = Vec::<f32>::try_from(probabilities)?;
            for (&(clip, _), p) in batch.iter().zip(probabilities.chunks(self.labels.len())) {
                sums[clip].iter_mut().zip(p).for_each(|(sum, p)| *sum += p);
                counts[clip] += 1;
            }
        }
        for (sum, count) in sums.iter_mut().zip(counts) {
            sum.iter_mut().for_each(|p| *p /= count as f32);
        }
        Ok(sums)
    }

    /// Number of trained values.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.vars
            .trainable_variables()
            .iter()
            .map(Tensor::numel)
            .sum()
    }

    /// Writes the model as one safetensors file: beside first, then under its name.
    ///
    /// # Errors
    /// [`Error::Eval`] for a file that cannot be written, libtorch's.
    pub fn save(&self, path: &Path) -> Result<()> {
        let header = Header {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            libtorch: LIBTORCH_VERSION.to_owned(),
            labels: self.labels.clone(),
            recipe: self.recipe.clone(),
            standardiser: self.standardiser.clone(),
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
        let header = serde_json::to_string(header).map_err(|e| unfit(&e))?;
        let mut tensors = BTreeMap::new();
        for (name, tensor) in self.weights() {
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
        let metadata = Some([(METADATA_KEY.to_owned(), header)].into());
        safetensors::serialize(views, metadata).map_err(|e| unfit(&e))
    }

    /// Reads a model file and checks its format, its recipe and every tensor's name, type and
    /// shape.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::ModelFile`], and the recipe's own errors.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        let wrong = |what: &str, expected: &str, actual: String| Error::ModelFile {
            path: path.to_owned(),
            what: what.to_owned(),
            expected: expected.to_owned(),
            actual,
        };
        let (_, metadata) = SafeTensors::read_metadata(&bytes)
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
            let actual = format!("{} (use the version of ser that wrote it)", version.format);
            return Err(wrong("format", &FORMAT.to_string(), actual));
        }
        let header: Header = serde_json::from_str(header).map_err(read)?;
        header.recipe.check(&path.display().to_string())?;
        let coefficients = header.recipe.features.coefficients();
        let statistics = &header.standardiser;
        for values in [&statistics.mean, &statistics.deviation] {
            if values.len() != coefficients || !values.iter().all(|v| v.is_finite()) {
                let expected = format!("{coefficients} finite values");
                return Err(wrong("standardiser", &expected, format!("{values:?}")));
            }
        }
        if header.labels.len() < 2 {
            return Err(wrong(
                "labels",
                "two or more",
                header.labels.len().to_string(),
            ));
        }

        let vars = VarStore::new(Device::Cpu);
        let (coefficients, labels) = (coefficients as i64, header.labels.len() as i64);
        // Drawn and then overwritten by the file's.
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let network = header
            .recipe
            .network
            .build(&vars.root(), coefficients, labels, &mut rng)?;
        let Header {
            labels,
            recipe,
            standardiser,
            provenance,
            ..
        } = header;
        let model = Self::new(recipe, labels, standardiser, provenance, vars, network);

        let tensors = SafeTensors::deserialize(&bytes)
            .map_err(|e| wrong("file", "a safetensors file", e.to_string()))?;
        let weights = model.weights();
        if let Some(extra) = tensors
            .names()
            .into_iter()
            .find(|name| !weights.contains_key(*name))
        {
            return Err(wrong(
                "tensors",
                "those of the recipe's network",
                format!("also `{extra}`"),
            ));
        }
        let _guard = tch::no_grad_guard();
        for (name, mut weight) in weights {
            let view = tensors
                .tensor(&name)
                .map_err(|e| wrong(&name, "a tensor", e.to_string()))?;
            let shape: Vec<usize> = weight.size().iter().map(|&d| d as usize).collect();
            if view.dtype() != Dtype::F32 || view.shape() != shape {
                let actual = format!("{:?} {:?}", view.dtype(), view.shape());
                return Err(wrong(&name, &format!("F32 {shape:?}"), actual));
            }
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
            weight.f_copy_(&Tensor::f_from_slice(&values)?.f_reshape(weight.size())?)?;
        }
        Ok(model)
    }

    /// All weights and running statistics by name, sharing memory with the network.
    fn weights(&self) -> BTreeMap<String, Tensor> {
        self.vars.variables().into_iter().collect()
    }

    /// A copy of all weights, in the order of their names.
    pub(crate) fn copy_weights(&self) -> Result<Vec<Tensor>> {
        let _guard = tch::no_grad_guard();
        let copy = |weight: &Tensor| {
            let mut copy = weight.f_zeros_like()?;
            copy.f_copy_(weight)?;
            Ok(copy)
        };
        self.weights().values().map(copy).collect()
    }

    /// Puts a copy back.
    pub(crate) fn restore_weights(&mut self, copy: &[Tensor]) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for (weight, copy) in self.weights().values_mut().zip(copy) {
            weight.f_copy_(copy)?;
        }
        Ok(())
    }
}

/// The libtorch this crate is built for.
pub const LIBTORCH_VERSION: &str = "2.13.0";

/// The class of the highest probability; the first of equals.
#[must_use]
pub fn argmax(probabilities: &[f32]) -> usize {
    let best = probabilities
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    best.map_or(0, |(i, _)| i)
}
