//! One network of a model: its description, its weights, and what it computes from a clip.

use ser_features::{FeatureConfig, Features};
use serde::{Deserialize, Serialize};

use crate::architecture::Architecture;
use crate::error::{Error, Result};
use crate::input::{Input, Standardiser, check_coefficients};
use crate::network::{Network, Scratch};
use crate::weights::{Sink, Source, Tensors};

/// Largest number of frames in a window, and of frames averaged into one. A file may come from an untrusted source; a
/// value above this limit or those below is a mistake or an attack.
pub const MOST_FRAMES: usize = 1 << 16;
/// Largest number of values of a window in all layers of a network. As 32-bit floats they take 1 GiB.
pub const MOST_ACTIVATIONS: u64 = 1 << 28;
/// Largest number of copies of a clip that a network evaluates.
pub const MOST_COPIES: usize = 64;
/// Largest weight of a network in a mean, so that the sum of the weights is finite.
const MOST_WEIGHT: f64 = 1e6;

/// The description of a network, without its weights, as the model file stores it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkInfo {
    /// Weight of its probabilities in the mean over the networks.
    pub weight: f64,
    /// The epoch whose weights are kept, counted from 1.
    pub epoch: u32,
    /// Configuration by which a clip becomes features.
    pub features: FeatureConfig,
    /// Test-time augmentation: the network also evaluates copies of the clip that are played faster by these numbers of
    /// semitones, and its answer is the mean.
    pub test_semitones: Vec<f64>,
    /// Configuration by which features become windows.
    pub input: Input,
    /// Kind and sizes of the network.
    pub network: Architecture,
    /// Number of clips that the average voice counts as, beside the enrolled clips; `None` if the network does not
    /// support enrolment.
    pub shrinkage: Option<f64>,
    /// Mean and deviation of the features of the training part.
    pub standardiser: Standardiser,
}

impl NetworkInfo {
    /// Checks that the description is valid. Sizes are limited here, before any memory is allocated for them.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |key, expected: String, actual: String| {
            Err(Error::Network {
                key,
                expected,
                actual,
            })
        };
        if !is_weight(self.weight) {
            let expected = format!("above 0 and at most {MOST_WEIGHT}");
            return wrong("weight", expected, self.weight.to_string());
        }
        if let Some((key, expected, actual)) = self.network.invalid() {
            return wrong(key, expected.to_owned(), actual);
        }
        if let Some(shrinkage) = self.shrinkage.filter(|k| !(k.is_finite() && *k >= 0.0)) {
            return wrong("shrinkage", "at least 0".to_owned(), shrinkage.to_string());
        }
        for (key, frames) in [
            ("input.frames", self.input.frames),
            ("input.average", self.input.average),
        ] {
            if !(1..=MOST_FRAMES).contains(&frames) {
                return wrong(key, format!("from 1 to {MOST_FRAMES}"), frames.to_string());
            }
        }
        let copies = self.test_semitones.len();
        if copies > MOST_COPIES {
            let expected = format!("at most {MOST_COPIES}");
            return wrong("test_semitones", expected, copies.to_string());
        }
        for features in self.views() {
            if let Err(error) = features.validate() {
                let expected = "values in their ranges".to_owned();
                return wrong("features", expected, error.to_string());
            }
        }
        let coefficients = self.features.coefficients();
        let activations = self.network.activations(self.input.frames, coefficients);
        if activations > MOST_ACTIVATIONS {
            let expected = format!(
                "so small that a window has at most {MOST_ACTIVATIONS} values in all layers"
            );
            return wrong("input.frames", expected, activations.to_string());
        }
        let statistics = &self.standardiser;
        for values in [&statistics.mean, &statistics.deviation] {
            let finite = values.iter().filter(|v| v.is_finite()).count();
            if (values.len(), finite) != (coefficients, coefficients) {
                let expected = format!("{coefficients} finite values");
                let actual = format!("{} values, {finite} of them finite", values.len());
                return wrong("standardiser", expected, actual);
            }
        }
        match statistics.deviation.iter().find(|&&v| v <= 0.0) {
            Some(deviation) => wrong("deviation", "above 0".to_owned(), deviation.to_string()),
            None => Ok(()),
        }
    }

    /// Returns the feature configurations that the network evaluates: that of the clip, then those of its copies.
    fn views(&self) -> impl Iterator<Item = FeatureConfig> {
        let copies = self.test_semitones.iter();
        let copies = copies.map(|&semitones| self.features.faster(semitones));
        std::iter::once(self.features.clone()).chain(copies)
    }
}

/// Returns whether a number is valid as the weight of a network in a mean: above 0 and at most 1000000, so that the sum
/// of the weights is finite.
#[must_use]
pub fn is_weight(weight: f64) -> bool {
    weight > 0.0 && weight <= MOST_WEIGHT
}

/// One network of a model, with its weights.
#[derive(Debug)]
pub struct TrainedNetwork {
    /// Its description.
    pub info: NetworkInfo,
    /// Feature configurations that the network evaluates: that of the clip, then those of its copies.
    views: Vec<FeatureConfig>,
    network: Network,
    /// `[E]`: the average embedding of training; `None` if the network does not support enrolment.
    pub(crate) centre: Option<Vec<f32>>,
    classes: usize,
}

impl TrainedNetwork {
    /// Creates a network from its description and its weights, which have the names that they have in the model file
    /// (see `docs/model-format.md`).
    ///
    /// # Errors
    /// [`Error::Network`] for an invalid value in the description; [`Error::Weights`] if a tensor is missing, has another
    /// shape, is not finite, or does not belong to the network.
    pub fn new(info: NetworkInfo, classes: usize, mut tensors: Tensors) -> Result<Self> {
        let network = Self::take(info, classes, &mut tensors, "")?;
        match tensors.into_keys().next() {
            None => Ok(network),
            Some(tensor) => Err(Error::Weights {
                tensor,
                expected: "no tensor of this name".to_owned(),
                actual: "one".to_owned(),
            }),
        }
    }

    /// Creates a network as [`TrainedNetwork::new`] does, from the tensors whose names begin with `prefix`. These are
    /// removed from `tensors`.
    pub(crate) fn take(
        info: NetworkInfo,
        classes: usize,
        tensors: &mut Tensors,
        prefix: &str,
    ) -> Result<Self> {
        info.check()?;
        let mut source = Source {
            tensors,
            prefix: prefix.to_owned(),
        };
        let coefficients = info.standardiser.mean.len();
        let embedding = info.network.embedding(coefficients);
        let centre = info.shrinkage.map(|_| source.take("centre", &[embedding]));
        Ok(Self {
            views: info.views().collect(),
            centre: centre.transpose()?,
            network: Network::new(&info.network, source, coefficients, classes)?,
            classes,
            info,
        })
    }

    /// Returns the network with only these rows of its last layer.
    pub(crate) fn of_classes(&self, rows: &[usize]) -> Result<Self> {
        let mut tensors = self.tensors();
        for name in ["output.weight", "output.bias"] {
            if let Some(tensor) = tensors.get_mut(name) {
                let width = tensor.values.len() / self.classes.max(1);
                let row = |&row: &usize| tensor.values[row * width..(row + 1) * width].to_vec();
                tensor.values = rows.iter().flat_map(row).collect();
                tensor.shape[0] = rows.len();
            }
        }
        Self::new(self.info.clone(), rows.len(), tensors)
    }

    /// Returns the weights as [`TrainedNetwork::new`] takes them.
    pub(crate) fn tensors(&self) -> Tensors {
        let mut tensors = Tensors::new();
        self.store(Sink {
            tensors: &mut tensors,
            prefix: String::new(),
        });
        tensors
    }

    /// Returns the feature configurations that the network evaluates: that of the clip, then those of its copies for
    /// [`NetworkInfo::test_semitones`]. Its answer is the mean over them.
    #[must_use]
    pub fn views(&self) -> &[FeatureConfig] {
        &self.views
    }

    pub(crate) fn store(&self, mut sink: Sink) {
        if let Some(centre) = &self.centre {
            sink.put("centre", &[centre.len()], centre.clone());
        }
        self.network.store(sink);
    }

    /// Returns `E`, the number of values of an embedding.
    pub(crate) fn embedding(&self) -> usize {
        let coefficients = self.info.standardiser.mean.len();
        self.info.network.embedding(coefficients)
    }

    /// Returns the prepared features of a clip in one view. `clip` is in the order of `views`.
    pub(crate) fn prepared(
        &self,
        view: &FeatureConfig,
        views: &[&FeatureConfig],
        clip: &[Features],
    ) -> Result<Features> {
        let position = views.iter().position(|other| *other == view);
        let features = position.and_then(|i| clip.get(i));
        let features = features.filter(|_| clip.len() == views.len());
        let features = features.ok_or_else(|| Error::Shape {
            what: "views of a clip",
            expected: views.len().to_string(),
            actual: clip.len().to_string(),
        })?;
        check_coefficients(features, self.info.standardiser.mean.len())?;
        Ok(self.info.input.prepare(features))
    }

    /// Computes the probabilities `[K]` for a clip that [`Input::prepare`] has prepared.
    #[must_use]
    pub fn predict(&self, prepared: &Features, scratch: &mut Scratch) -> Vec<f32> {
        let windows = self.embed(prepared, scratch);
        self.classify(&windows, None, scratch)
    }

    /// Computes the embedding of each window of a clip that [`Input::prepare`] has prepared: `[windows][E]`.
    pub(crate) fn embed(&self, prepared: &Features, scratch: &mut Scratch) -> Vec<Vec<f32>> {
        let NetworkInfo {
            input,
            standardiser,
            ..
        } = &self.info;
        let starts = input.window_starts(prepared.frames());
        let of_window = |start| {
            let length = standardiser.window(input, prepared, start, &mut scratch.window);
            self.network.embed(input.frames, length, scratch);
            scratch.embedding.clone()
        };
        starts.into_iter().map(of_window).collect()
    }

    /// Computes the mean probabilities `[K]` over the embeddings of the windows of a clip. `offset` is that of the enrolled
    /// speaker, if there is one.
    pub(crate) fn classify(
        &self,
        windows: &[Vec<f32>],
        offset: Option<&[f32]>,
        scratch: &mut Scratch,
    ) -> Vec<f32> {
        let mut sum = vec![0.0_f32; self.classes];
        for embedding in windows {
            scratch.embedding.clone_from(embedding);
            subtract_offset(offset, &mut scratch.embedding);
            self.network.classify(scratch);
            softmax(&mut scratch.scores);
            add(&mut sum, &scratch.scores);
        }
        sum.iter_mut().for_each(|p| *p /= windows.len() as f32);
        sum
    }

    /// Computes the offset that [`Model::enrol`] subtracts from the embeddings of a voice, from `sum` `[E]`, the sum of
    /// the embeddings of `windows` windows of `clips` clips. `None` if there is no window, or if the network was
    /// trained without enrolment.
    pub(crate) fn offset(&self, clips: usize, sum: &[f32], windows: u32) -> Option<Vec<f32>> {
        let (centre, shrinkage) = (self.centre.as_ref()?, self.info.shrinkage?);
        (windows > 0).then(|| {
            let n = clips as f64;
            let share = (n / (n + shrinkage)) as f32;
            let offset = sum.iter().zip(centre);
            let offset = offset.map(|(sum, centre)| (sum / windows as f32 - centre) * share);
            offset.collect()
        })
    }

    /// Returns the input of the last layer, `[E']`, for `scratch.embedding` after subtracting the offset.
    pub(crate) fn hidden<'a>(&self, offset: Option<&[f32]>, scratch: &'a mut Scratch) -> &'a [f32] {
        subtract_offset(offset, &mut scratch.embedding);
        self.network.hidden(scratch)
    }

    /// Returns the weight `[K, E']` and the bias `[K]` of the last layer.
    pub(crate) fn output(&self) -> (Vec<f32>, Vec<f32>) {
        self.network.output().weights()
    }
}

/// Subtracts the offset of the enrolled speaker, if there is one, from an embedding.
fn subtract_offset(offset: Option<&[f32]>, embedding: &mut [f32]) {
    if let Some(offset) = offset {
        let values = embedding.iter_mut().zip(offset);
        values.for_each(|(x, offset)| *x -= offset);
    }
}

pub(crate) fn add(sum: &mut [f32], terms: &[f32]) {
    sum.iter_mut().zip(terms).for_each(|(sum, x)| *sum += x);
}

/// Adds `share` times the terms.
pub(crate) fn add_share(sum: &mut [f32], share: f32, terms: &[f32]) {
    let terms = sum.iter_mut().zip(terms);
    terms.for_each(|(sum, x)| *sum += share * x);
}

/// Replaces scores `x` by `eˣ / Σ eˣ`. The largest score is subtracted first, so that nothing overflows.
pub(crate) fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|x| *x = (*x - most).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|x| *x /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    #[test]
    fn a_network_of_invalid_sizes_is_refused() {
        let model = Model::built_in().unwrap();
        let network = &model.networks[0];
        let refused = |change: fn(&mut NetworkInfo)| {
            let mut info = network.info.clone();
            change(&mut info);
            match TrainedNetwork::new(info, model.labels.len(), network.tensors()) {
                Err(Error::Network { key, .. }) => key,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused(|info| info.input.frames = 0), "input.frames");
        let stride = |info: &mut NetworkInfo| match &mut info.network {
            Architecture::Cnn(config) => config.blocks[0].stride = 0,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(stride), "network.blocks.stride");
    }
}
