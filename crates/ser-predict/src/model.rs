//! A trained model: its networks, and how their answers are combined.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use ser_eval::{ConfidenceThreshold, temper};
use ser_features::{FeatureConfig, Features};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::architecture::Architecture;
use crate::density::{Density, clip_statistics};
use crate::enroller::{Enroller, Speech};
use crate::enrolment::Enrolment;
use crate::error::{Error, Result};
use crate::half;
use crate::input::{Input, Standardiser, check_coefficients};
use crate::network::{Network, Scratch};
use crate::provenance::Provenance;
use crate::weights::{Sink, Source, Tensors};

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

/// One or several networks with everything that an answer needs: labels, features, statistics, temperatures and origin.
///
/// The answer is the weighted mean of the networks' probabilities, sharpened or flattened by one temperature.
#[derive(Debug)]
pub struct Model {
    /// Name of the recipe or ensemble.
    pub name: String,
    /// Class names, in the order of the probabilities.
    pub labels: Vec<String>,
    /// Temperature, which divides the logarithms of the averaged probabilities (Guo et al. 2017); 1 until one is
    /// fitted.
    pub temperature: f64,
    /// Temperature for clips of an enrolled speaker.
    pub enrolled_temperature: f64,
    /// Confidence below which an answer is uncertain, with the accuracy of the answers below and above it, measured on
    /// validation clips; `None` if it was not measured.
    pub confidence_threshold: Option<ConfidenceThreshold>,
    /// Confidence threshold for clips of an enrolled speaker.
    pub enrolled_confidence_threshold: Option<ConfidenceThreshold>,
    /// What the model was trained on.
    pub provenance: Provenance,
    /// Text of the recipe that trained the model. Predictions do not depend on it, and nothing in this crate reads it;
    /// `ser evaluate` and `ser fit --from` read `labels` and `counted_as` of its `[task]`.
    pub recipe: String,
    /// The networks, at least one.
    pub networks: Vec<TrainedNetwork>,
    /// Distribution of the training clips; `None` if it was not measured, in which case no clip is out of distribution.
    pub density: Option<Density>,
    /// Buffers that are reused for further clips.
    scratch: ScratchPool,
}

/// A pool of buffers. It holds as many as threads have used at the same time.
#[derive(Debug, Default)]
struct ScratchPool(Mutex<Vec<Scratch>>);

impl ScratchPool {
    fn with<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let pool = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = pool().pop().unwrap_or_default();
        let result = work(&mut scratch);
        pool().push(scratch);
        result
    }
}

impl Model {
    /// Creates a model from networks for these labels. Both temperatures are 1; there are no thresholds and no density.
    #[must_use]
    pub fn new(
        name: &str,
        labels: Vec<String>,
        networks: Vec<TrainedNetwork>,
        provenance: Provenance,
        recipe: String,
    ) -> Self {
        Self {
            name: name.to_owned(),
            labels,
            temperature: 1.0,
            enrolled_temperature: 1.0,
            confidence_threshold: None,
            enrolled_confidence_threshold: None,
            provenance,
            recipe,
            networks,
            density: None,
            scratch: ScratchPool::default(),
        }
    }

    /// Returns the feature configurations that the networks need, without duplicates. Methods that take a clip expect
    /// one [`Features`] for each configuration, in this order.
    #[must_use]
    pub fn views(&self) -> Vec<&FeatureConfig> {
        let mut views: Vec<&FeatureConfig> = Vec::new();
        for (_, view) in self.network_views() {
            if !views.contains(&view) {
                views.push(view);
            }
        }
        views
    }

    /// Returns every pair of a network and one of its views.
    pub(crate) fn network_views(&self) -> impl Iterator<Item = (&TrainedNetwork, &FeatureConfig)> {
        let networks = self.networks.iter();
        networks.flat_map(|network| network.views.iter().map(move |view| (network, view)))
    }

    /// Computes the probabilities of the labels for each clip, on rayon's threads. The features of a clip are in the
    /// order of [`Model::views`].
    ///
    /// A clip that is longer than a network's input is cut into evenly spread windows that cover it; its probabilities
    /// are the mean over the windows. The answer for a clip does not depend on the other clips.
    ///
    /// # Shape
    /// `[clips][views] → [clips][labels]`
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of features or of their coefficients is wrong; [`Error::NotFinite`] if weights or
    /// features are so large that the probabilities are not finite.
    pub fn predict(&self, clips: &[&[Features]]) -> Result<Vec<Vec<f32>>> {
        self.predict_enrolled(clips, &Enrolment::nobody(self))
    }

    /// Computes the probabilities of the labels for each clip of a speaker who is enrolled with this model; otherwise
    /// like [`Model::predict`].
    ///
    /// In an ensemble, only the networks that support enrolment answer, if there are any.
    ///
    /// # Errors
    /// The same as for [`Model::predict`]; also [`Error::Shape`] if the enrolment belongs to another model.
    pub fn predict_enrolled(
        &self,
        clips: &[&[Features]],
        speaker: &Enrolment,
    ) -> Result<Vec<Vec<f32>>> {
        speaker.check(self)?;
        let views = self.views();
        let answer = |(number, clip): (usize, &&[Features])| {
            let answer = self
                .scratch
                .with(|s| self.predict_one(clip, &views, speaker, s))?;
            if answer.iter().all(|p| p.is_finite()) {
                Ok(answer)
            } else {
                Err(Error::NotFinite { clip: number })
            }
        };
        clips.par_iter().enumerate().map(answer).collect()
    }

    fn predict_one(
        &self,
        clip: &[Features],
        views: &[&FeatureConfig],
        speaker: &Enrolment,
        scratch: &mut Scratch,
    ) -> Result<Vec<f32>> {
        let enrolled = speaker.is_somebody();
        let voting = || {
            let all = self.network_views().zip(&speaker.offsets);
            all.filter(|(_, offset)| offset.is_some() || !enrolled)
        };
        let weight = |network: &TrainedNetwork| network.info.weight / network.views.len() as f64;
        let total: f64 = voting().map(|((network, _), _)| weight(network)).sum();
        let mut answer = vec![0.0_f32; self.labels.len()];
        for ((network, view), offset) in voting() {
            let prepared = network.prepared(view, views, clip)?;
            let share = (weight(network) / total) as f32;
            let probabilities = network.predict(&prepared, offset.as_deref(), scratch);
            let terms = answer.iter_mut().zip(probabilities);
            terms.for_each(|(sum, p)| *sum += share * p);
        }
        let temperature = if enrolled {
            self.enrolled_temperature
        } else {
            self.temperature
        };
        temper(&mut answer, temperature);
        Ok(answer)
    }

    /// Enrols a speaker from any number of unlabelled clips of the speaker.
    ///
    /// With the mean embedding `m` of `n` clips, the average embedding `c` of training and the shrinkage `k` of the
    /// recipe, the embedding of every later clip is shifted by `−(m − c)·n/(n + k)`. Without clips the answers are
    /// those of [`Model::predict`].
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of features or of their coefficients is wrong.
    pub fn enrol(&self, clips: &[&[Features]]) -> Result<Enrolment> {
        let mut enroller = Enroller::new(self);
        for clip in clips {
            enroller.add(&Speech::of_clip(self, clip, 0.0)?)?;
        }
        Ok(enroller.finish())
    }

    /// Computes the embeddings of the windows of a clip: `[windows × E]` in each view of each network; empty for a
    /// network that was trained without enrolment.
    pub(crate) fn enrolment_embeddings(&self, clip: &[Features]) -> Result<Vec<Vec<f32>>> {
        let views = self.views();
        let embed = |(network, view): (&TrainedNetwork, &FeatureConfig)| {
            let mut embeddings = Vec::new();
            if network.centre.is_some() {
                let prepared = network.prepared(view, &views, clip)?;
                self.scratch.with(|scratch| {
                    network.for_each_window(&prepared, scratch, |scratch| {
                        embeddings.extend_from_slice(&scratch.embedding);
                    });
                });
            }
            Ok(embeddings)
        };
        self.network_views().map(embed).collect()
    }

    /// Returns whether any network supports enrolment, so that [`Model::enrol`] changes answers.
    #[must_use]
    pub fn enrols(&self) -> bool {
        self.networks.iter().any(|network| network.centre.is_some())
    }

    /// Returns how unlike the training clips a clip is: its distance in the [`Density`], divided by the limit of the
    /// density; 0 for a model without a density. Above 1 the clip is out of distribution, and its answer is a guess.
    /// The features of the clip are in the order of [`Model::views`].
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of features or of their coefficients is wrong.
    pub fn out_of_distribution_score(&self, clip: &[Features]) -> Result<f32> {
        let Some(density) = &self.density else {
            return Ok(0.0);
        };
        let Some(network) = self.networks.get(density.info.network) else {
            return Ok(0.0);
        };
        let NetworkInfo {
            features,
            input,
            standardiser,
            ..
        } = &network.info;
        let prepared = network.prepared(features, &self.views(), clip)?;
        let statistics = clip_statistics(input, standardiser, &prepared);
        Ok(density.distance(&statistics) / density.info.limit)
    }

    /// Returns whether a clip is out of distribution, which means that its [`Model::out_of_distribution_score`] is
    /// above 1.
    ///
    /// # Errors
    /// The same as for [`Model::out_of_distribution_score`].
    pub fn is_out_of_distribution(&self, clip: &[Features]) -> Result<bool> {
        Ok(self.out_of_distribution_score(clip)? > 1.0)
    }

    /// Returns the confidence threshold for clips of an enrolled speaker, or else for clips alone.
    #[must_use]
    pub fn confidence_threshold(&self, enrolled: bool) -> Option<&ConfidenceThreshold> {
        if enrolled {
            self.enrolled_confidence_threshold.as_ref()
        } else {
            self.confidence_threshold.as_ref()
        }
    }

    /// Computes the embedding of each clip by each network: the vector for the whole clip that the network computes
    /// before it classifies. Clips with similar embeddings sound alike to the network. The embedding of a fully
    /// connected network is its standardised input, averaged over the frames.
    ///
    /// # Shape
    /// `[networks][clips][E]`, where each network has its own `E`; a clip of several windows has the mean of their
    /// embeddings.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of features or of their coefficients is wrong.
    pub fn embeddings(&self, clips: &[&[Features]]) -> Result<Vec<Vec<Vec<f32>>>> {
        let views = self.views();
        let of = |network: &TrainedNetwork| {
            let embed = |clip: &&[Features]| -> Result<Vec<f32>> {
                let prepared = network.prepared(&network.info.features, &views, clip)?;
                Ok(self.scratch.with(|scratch| {
                    let mut mean = vec![0.0; network.embedding()];
                    let windows = network.add_embeddings(&prepared, &mut mean, scratch);
                    mean.iter_mut().for_each(|x| *x /= windows as f32);
                    mean
                }))
            };
            clips.par_iter().map(embed).collect()
        };
        self.networks.iter().map(of).collect()
    }

    /// Returns a model that distinguishes only the given labels, in the given order. From the last layer of its
    /// networks, the rows that score other labels are removed.
    ///
    /// # Errors
    /// [`Error::Labels`] if there are fewer than two labels, if the model does not know one, or if one is given twice.
    pub fn of_labels(&self, labels: &[impl AsRef<str>]) -> Result<Self> {
        let refused = |actual: String| Error::Labels {
            expected: self.labels.join(", "),
            actual,
        };
        let mut rows = Vec::new();
        for label in labels.iter().map(AsRef::as_ref) {
            let row = self.labels.iter().position(|known| known == label);
            let row = row.filter(|row| !rows.contains(row));
            rows.push(row.ok_or_else(|| refused(format!("{label:?}")))?);
        }
        if rows.len() < 2 {
            return Err(refused(format!(
                "only {} of them; give two or more",
                rows.len()
            )));
        }
        let networks = self
            .networks
            .iter()
            .map(|network| network.of_classes(&rows));
        Ok(Self {
            labels: rows.iter().map(|&row| self.labels[row].clone()).collect(),
            ..self.with_networks(networks.collect::<Result<_>>()?)
        })
    }

    /// Returns the model with other networks in place of its own.
    pub(crate) fn with_networks(&self, networks: Vec<TrainedNetwork>) -> Self {
        Self {
            name: self.name.clone(),
            labels: self.labels.clone(),
            temperature: self.temperature,
            enrolled_temperature: self.enrolled_temperature,
            confidence_threshold: self.confidence_threshold,
            enrolled_confidence_threshold: self.enrolled_confidence_threshold,
            provenance: self.provenance.clone(),
            recipe: self.recipe.clone(),
            networks,
            density: self.density.clone(),
            scratch: ScratchPool::default(),
        }
    }

    /// Joins several models, each with a weight, into one. They must distinguish the same labels and come from the same
    /// split.
    ///
    /// Temperatures and confidence thresholds of the models are not used, because the mean needs others. Of the
    /// densities, the one with the most statistics is kept, because it describes a clip in the most detail. `recipe` is
    /// the text of the ensemble's recipe.
    ///
    /// # Errors
    /// [`Error::Ensemble`] if there are no models, or if their labels or origins differ.
    pub fn ensemble(name: &str, recipe: String, models: Vec<(Self, f64)>) -> Result<Self> {
        let Some((first, _)) = models.first() else {
            return Err(Error::Ensemble(
                "an ensemble needs at least one model".to_owned(),
            ));
        };
        let (labels, provenance) = (first.labels.clone(), first.provenance.clone());
        let mut networks = Vec::new();
        let mut density: Option<Density> = None;
        for (model, weight) in models {
            let difference = if model.labels == labels {
                provenance.difference(&model.provenance)
            } else {
                Some([labels.join(", "), model.labels.join(", ")])
            };
            if let Some([expected, actual]) = difference {
                return Err(Error::Ensemble(format!(
                    "the members of {name} differ in labels or training clips: expected {expected}, found {actual}; train \
                     the member that differs again"
                )));
            }
            if let Some(mut own) = model.density
                && density
                    .as_ref()
                    .is_none_or(|d| own.mean.len() > d.mean.len())
            {
                own.info.network += networks.len();
                density = Some(own);
            }
            // The weight belongs to the model as a whole, so its networks share it.
            let share = weight / model.networks.len().max(1) as f64;
            networks.extend(model.networks.into_iter().map(|mut network| {
                network.info.weight = share;
                network
            }));
        }
        Ok(Self {
            density,
            ..Self::new(name, labels, networks, provenance, recipe)
        })
    }

    /// Rounds the weights between the layers, and the components of the density, to 16-bit floats, which halves the
    /// model file.
    ///
    /// Biases, statistics and centres, a hundredth of the values, are not rounded. `data/models/README.md` says how
    /// this changes answers.
    ///
    /// # Errors
    /// [`Error::Weights`] for a weight of magnitude 65520 or more, which a 16-bit float cannot represent.
    pub fn in_half_precision(mut self) -> Result<Self> {
        let classes = self.labels.len();
        let rounded = self.networks.into_iter().map(|network| {
            let mut tensors = network.tensors();
            let matrices = tensors.values_mut().filter(|t| t.shape.len() > 1);
            let weights = matrices.flat_map(|matrix| &mut matrix.values);
            weights.for_each(|w| *w = half::widened(half::narrowed(*w)));
            TrainedNetwork::new(network.info, classes, tensors)
        });
        self.networks = rounded.collect::<Result<_>>()?;
        let components = self.density.iter_mut().flat_map(|d| &mut d.components);
        components.for_each(|c| *c = half::widened(half::narrowed(*c)));
        Ok(self)
    }

    /// Returns the number of trained parameters of all networks.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let of = |network: &TrainedNetwork| {
            let coefficients = network.info.standardiser.mean.len();
            let classes = self.labels.len();
            network.info.network.parameters(coefficients, classes) as usize
        };
        self.networks.iter().map(of).sum()
    }

    /// Returns a hash of the weights, in hexadecimal, which distinguishes this model from others.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Xxh3::new();
        for (name, weight) in self.tensors() {
            hash.update(name.as_bytes());
            let values = weight.values.iter();
            values.for_each(|value| hash.update(&value.to_le_bytes()));
        }
        format!("{:032x}", hash.digest128())
    }

    /// Returns the weights of all networks under the names that they have in the model file: the number of the network,
    /// counted from 0, a dot, and the name in the network.
    #[must_use]
    pub fn tensors(&self) -> Tensors {
        let mut tensors = BTreeMap::new();
        for (i, network) in self.networks.iter().enumerate() {
            network.store(Sink {
                tensors: &mut tensors,
                prefix: format!("{i}."),
            });
        }
        tensors
    }
}

pub(crate) fn add(sum: &mut [f32], terms: &[f32]) {
    sum.iter_mut().zip(terms).for_each(|(sum, x)| *sum += x);
}

impl TrainedNetwork {
    /// Creates a network from its description and its weights, which have the names that they have in the model file
    /// (see `docs/model-format.md`).
    ///
    /// # Errors
    /// [`Error::Weights`] if a tensor is missing, has another shape, is not finite, or does not belong to the network.
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
        let mut source = Source {
            tensors,
            prefix: prefix.to_owned(),
        };
        let coefficients = info.standardiser.mean.len();
        let embedding = info.network.embedding(coefficients);
        let centre = info.shrinkage.map(|_| source.take("centre", &[embedding]));
        let copies = info.test_semitones.iter();
        let copies = copies.map(|&semitones| info.features.faster(semitones));
        Ok(Self {
            views: std::iter::once(info.features.clone())
                .chain(copies)
                .collect(),
            centre: centre.transpose()?,
            network: Network::new(&info.network, source, coefficients, classes)?,
            classes,
            info,
        })
    }

    /// Returns the network with only these rows of its last layer.
    fn of_classes(&self, rows: &[usize]) -> Result<Self> {
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

    fn store(&self, mut sink: Sink) {
        if let Some(centre) = &self.centre {
            sink.put("centre", &[centre.len()], centre.clone());
        }
        self.network.store(sink);
    }

    /// Returns `E`, the number of values of an embedding.
    fn embedding(&self) -> usize {
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

    /// Computes the probabilities `[K]` for a clip that [`Input::prepare`] has prepared. `offset` is that of the
    /// enrolled speaker, if there is one.
    #[must_use]
    pub fn predict(
        &self,
        prepared: &Features,
        offset: Option<&[f32]>,
        scratch: &mut Scratch,
    ) -> Vec<f32> {
        let mut sum = vec![0.0_f32; self.classes];
        let mut windows = 0_u32;
        self.for_each_window(prepared, scratch, |scratch| {
            move_by(offset, &mut scratch.embedding);
            self.network.classify(scratch);
            softmax(&mut scratch.scores);
            add(&mut sum, &scratch.scores);
            windows += 1;
        });
        sum.iter_mut().for_each(|p| *p /= windows as f32);
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
        move_by(offset, &mut scratch.embedding);
        self.network.hidden(scratch)
    }

    /// Returns the weight `[K, E']` and the bias `[K]` of the last layer.
    pub(crate) fn output(&self) -> (Vec<f32>, Vec<f32>) {
        self.network.output().weights()
    }

    /// Adds the embeddings of the windows of a prepared clip to `sum` `[E]`, and returns the number of windows.
    fn add_embeddings(&self, prepared: &Features, sum: &mut [f32], scratch: &mut Scratch) -> u32 {
        let mut windows = 0;
        self.for_each_window(prepared, scratch, |scratch| {
            add(sum, &scratch.embedding);
            windows += 1;
        });
        windows
    }

    /// Embeds the windows of a prepared clip one after the other, and calls `take` after each with the embedding in the
    /// buffers.
    pub(crate) fn for_each_window(
        &self,
        prepared: &Features,
        scratch: &mut Scratch,
        mut take: impl FnMut(&mut Scratch),
    ) {
        let NetworkInfo {
            input,
            standardiser,
            ..
        } = &self.info;
        for start in input.window_starts(prepared.frames()) {
            let length = standardiser.window(input, prepared, start, &mut scratch.window);
            self.network.embed(input.frames, length, scratch);
            take(scratch);
        }
    }
}

fn move_by(offset: Option<&[f32]>, embedding: &mut [f32]) {
    if let Some(offset) = offset {
        let moved = embedding.iter_mut().zip(offset);
        moved.for_each(|(x, offset)| *x -= offset);
    }
}

/// Replaces scores `x` by `eˣ / Σ eˣ`. The largest score is subtracted first, so that nothing overflows.
pub(crate) fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|x| *x = (*x - most).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|x| *x /= sum);
}

/// Returns the class of the highest probability; of several equal ones, the first.
#[must_use]
pub fn argmax(probabilities: &[f32]) -> usize {
    let best = probabilities
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    best.map_or(0, |(i, _)| i)
}
