//! A trained model: networks, and how their answers become one.

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

/// What describes a network beside its weights; all of it stands in the model file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkInfo {
    /// What its probabilities count in the mean.
    pub weight: f64,
    /// The epoch whose weights are kept, counted from 1.
    pub epoch: u32,
    /// How a clip becomes features.
    pub features: FeatureConfig,
    /// Test-time augmentation: the clip is also heard played faster by so many semitones, and the answer is the mean.
    pub test_semitones: Vec<f64>,
    /// How features become windows.
    pub input: Input,
    /// Kind and sizes of the network.
    pub network: Architecture,
    /// How many clips the average voice counts for beside the enrolled ones; absent: the network knows no speakers.
    pub shrinkage: Option<f64>,
    /// Statistics of the training part.
    pub standardiser: Standardiser,
}

/// One network of a model.
#[derive(Debug)]
pub struct TrainedNetwork {
    /// What describes it.
    pub info: NetworkInfo,
    /// The features it answers on: those of the clip, then of its copies.
    views: Vec<FeatureConfig>,
    network: Network,
    /// `[E]`: the average embedding of training, of a network that knows speakers.
    pub(crate) centre: Option<Vec<f32>>,
    classes: usize,
}

/// One or several networks with all that is needed to answer: labels, features, statistics, temperatures, origin. The
/// answer is the weighted mean of the networks' probabilities, sharpened or flattened by one temperature.
#[derive(Debug)]
pub struct Model {
    /// Name of the recipe or ensemble.
    pub name: String,
    /// Class names, in the order of the probabilities.
    pub labels: Vec<String>,
    /// Divides the logarithms of the averaged probabilities (Guo et al. 2017); 1 until one is fitted.
    pub temperature: f64,
    /// The same for clips of an enrolled speaker.
    pub enrolled_temperature: f64,
    /// What its least confident answers are worth, measured on validation clips; `None` until it is.
    pub confidence_threshold: Option<ConfidenceThreshold>,
    /// The same for clips of an enrolled speaker.
    pub enrolled_confidence_threshold: Option<ConfidenceThreshold>,
    /// What it was made from.
    pub provenance: Provenance,
    /// The recipe it was trained by, as text: nothing here depends on it.
    pub recipe: String,
    /// The networks.
    pub networks: Vec<TrainedNetwork>,
    /// How its training clips are distributed; `None` where that was not measured: then no clip is out of distribution.
    pub density: Option<Density>,
    /// Buffers that wait for the next clip.
    scratch: ScratchPool,
}

/// Buffers, as many as there have been threads at a time.
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
    /// A model of networks for these labels, with temperature 1.
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

    /// The feature configurations that the networks ask for, each once. A clip is given as one [`Features`] for each, in
    /// this order.
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

    /// Every network with every view it answers on.
    pub(crate) fn network_views(&self) -> impl Iterator<Item = (&TrainedNetwork, &FeatureConfig)> {
        let networks = self.networks.iter();
        networks.flat_map(|network| network.views.iter().map(move |view| (network, view)))
    }

    /// Probabilities of the labels for each clip, given as [`Model::views`] says; computed on rayon's threads.
    ///
    /// A clip that is longer than a network's input is cut into evenly spread windows that cover it; its probabilities
    /// are their mean. A clip's answer does not depend on the others.
    ///
    /// # Shape
    /// `[clips][views] → [clips][labels]`
    ///
    /// # Errors
    /// [`Error::Shape`] for features of another width or number; [`Error::NotFinite`] where weights or features are so
    /// large that no answer comes out.
    pub fn predict(&self, clips: &[&[Features]]) -> Result<Vec<Vec<f32>>> {
        self.predict_enrolled(clips, &Enrolment::nobody(self))
    }

    /// As [`Model::predict`], for clips of a speaker enrolled with this model.
    ///
    /// Of an ensemble the networks that know speakers answer then, if there are any.
    ///
    /// # Errors
    /// As [`Model::predict`]; [`Error::Shape`] for the enrolment of another model.
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
            match answer.iter().all(|p| p.is_finite()) {
                true => Ok(answer),
                false => Err(Error::NotFinite { clip: number }),
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
        let temperature = match enrolled {
            true => self.enrolled_temperature,
            false => self.temperature,
        };
        temper(&mut answer, temperature);
        Ok(answer)
    }

    /// A speaker, from unlabelled clips of theirs, as many as there are.
    ///
    /// With the mean embedding `m` of `n` clips, the average `c` of training and the recipe's shrinkage `k`, every
    /// clip's embedding is moved by `−(m − c)·n/(n + k)`. Without clips the answers are those of [`Model::predict`].
    ///
    /// # Errors
    /// [`Error::Shape`] for features of another width or number.
    pub fn enrol(&self, clips: &[&[Features]]) -> Result<Enrolment> {
        let mut enroller = Enroller::new(self);
        for clip in clips {
            enroller.add(&Speech::of_clip(self, clip, 0.0)?)?;
        }
        Ok(enroller.finish())
    }

    /// The embeddings of a clip's windows: `[windows × E]` in each view of each network; nothing for a network that was
    /// trained without enrolment.
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

    /// Whether [`Model::enrol`] changes anything.
    #[must_use]
    pub fn enrols(&self) -> bool {
        self.networks.iter().any(|network| network.centre.is_some())
    }

    /// How unlike the training clips a clip is, given as [`Model::views`] says: its distance in the [`Density`] over the limit
    /// there; 0 for a model without one. Above 1 the answer is a guess.
    ///
    /// # Errors
    /// [`Error::Shape`] for features of another width or number.
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

    /// Whether a clip is unlike all that was learned from: its [`Model::out_of_distribution_score`] is above 1.
    ///
    /// # Errors
    /// As [`Model::out_of_distribution_score`].
    pub fn is_out_of_distribution(&self, clip: &[Features]) -> Result<bool> {
        Ok(self.out_of_distribution_score(clip)? > 1.0)
    }

    /// What the least confident answers are worth, of clips alone or of an enrolled speaker's.
    #[must_use]
    pub fn confidence_threshold(&self, enrolled: bool) -> Option<&ConfidenceThreshold> {
        match enrolled {
            true => self.enrolled_confidence_threshold.as_ref(),
            false => self.confidence_threshold.as_ref(),
        }
    }

    /// What each network makes of each clip before it decides: its embedding, a vector for the whole clip. Clips that lie
    /// close together sound alike to the network. A fully connected network has its standardised input there.
    ///
    /// # Shape
    /// `[networks][clips][E]`, where each network has its own `E`; a clip of several windows has their mean.
    ///
    /// # Errors
    /// As [`Model::predict`].
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

    /// A model that tells some of the labels apart, in the order given, and knows no other: its networks have lost the rows of
    /// the last layer that score them.
    ///
    /// # Errors
    /// [`Error::Labels`] for fewer than two labels, one that the model does not know, or one named twice.
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
            return Err(refused(format!("{} of them", rows.len())));
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

    /// The model with other networks in the place of its own.
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

    /// One model of several that tell the same labels apart on the same split, each with a weight. Their own temperatures
    /// are left out: the mean wants another. Of their densities that of the most statistics is kept, which sees most.
    /// `recipe` is the text of the whole.
    ///
    /// # Errors
    /// [`Error::Ensemble`] without models, or where labels or origin differ.
    pub fn ensemble(name: &str, recipe: String, models: Vec<(Self, f64)>) -> Result<Self> {
        let Some((first, _)) = models.first() else {
            return Err(Error::Ensemble("an ensemble of no models".to_owned()));
        };
        let (labels, provenance) = (first.labels.clone(), first.provenance.clone());
        let mut networks = Vec::new();
        let mut density: Option<Density> = None;
        for (model, weight) in models {
            let difference = match model.labels == labels {
                true => provenance.difference(&model.provenance),
                false => Some([labels.join(", "), model.labels.join(", ")]),
            };
            if let Some([expected, actual]) = difference {
                return Err(Error::Ensemble(format!(
                    "the members of {name} have not learned from the same clips: expected {expected}, found {actual}; train \
                     again what differs"
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
            // A model counts by its weight, however many networks it has.
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

    /// The model with the weights between its layers rounded to 16-bit floats, which halves its file. Biases, statistics and
    /// centres, a hundredth of the values, stay as they are. What this does to answers: `data/models/README.md`.
    ///
    /// # Errors
    /// [`Error::Weights`] for a weight of 65520 and more, which 16 bits do not hold.
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

    /// Number of trained values of all networks.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let of = |network: &TrainedNetwork| {
            let coefficients = network.info.standardiser.mean.len();
            let classes = self.labels.len();
            network.info.network.parameters(coefficients, classes) as usize
        };
        self.networks.iter().map(of).sum()
    }

    /// What tells this model from others: a hash of its weights, in hexadecimal.
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

    /// Every network's weights under the names that the model file has, with the network's number and a dot in front.
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
    /// A network with its weights, named as the model file names them (see `docs/model-format.md`).
    ///
    /// # Errors
    /// [`Error::Weights`] for a tensor that is missing, of another shape, not finite, or one too many.
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

    /// As [`TrainedNetwork::new`], of the tensors whose names begin with `prefix`, which are taken out.
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

    /// The network with these rows of its last layer.
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

    /// Its weights, as [`TrainedNetwork::new`] takes them.
    pub(crate) fn tensors(&self) -> Tensors {
        let mut tensors = Tensors::new();
        self.store(Sink {
            tensors: &mut tensors,
            prefix: String::new(),
        });
        tensors
    }

    /// The features it answers on: those of the clip, then of its copies for [`NetworkInfo::test_semitones`]. Its answer is
    /// their mean.
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

    /// `E`.
    fn embedding(&self) -> usize {
        let coefficients = self.info.standardiser.mean.len();
        self.info.network.embedding(coefficients)
    }

    /// One of the `views` of a clip, prepared.
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

    /// Probabilities for a clip that [`Input::prepare`] has prepared, of a speaker with this offset: `[K]`.
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

    /// What the embeddings of a voice are moved by ([`Model::enrol`]), from the sum `[E]` of those of so many windows of so many clips;
    /// nothing without a window, or for a network that was trained without enrolment.
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

    /// What the last layer gets of `scratch.embedding`, moved by an offset: `[E']`.
    pub(crate) fn hidden<'a>(&self, offset: Option<&[f32]>, scratch: &'a mut Scratch) -> &'a [f32] {
        move_by(offset, &mut scratch.embedding);
        self.network.hidden(scratch)
    }

    /// Weight `[K, E']` and bias `[K]` of the last layer.
    pub(crate) fn output(&self) -> (Vec<f32>, Vec<f32>) {
        self.network.output().weights()
    }

    /// Adds the embeddings of a prepared clip's windows to `sum` `[E]`, and returns how many they are.
    fn add_embeddings(&self, prepared: &Features, sum: &mut [f32], scratch: &mut Scratch) -> u32 {
        let mut windows = 0;
        self.for_each_window(prepared, scratch, |scratch| {
            add(sum, &scratch.embedding);
            windows += 1;
        });
        windows
    }

    /// Embeds the windows of a prepared clip, one after the other.
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

/// `eˣ / Σ eˣ`, with the largest score taken off first so that nothing overflows.
pub(crate) fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|x| *x = (*x - most).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|x| *x /= sum);
}

/// The class of the highest probability; the first of equals.
#[must_use]
pub fn argmax(probabilities: &[f32]) -> usize {
    let best = probabilities
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    best.map_or(0, |(i, _)| i)
}
