//! A trained model: one file with everything a prediction needs.

mod enrolment;
mod file;

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use ser_eval::{Doubt, temper};
use ser_features::{FeatureConfig, FeatureExtractor, Features};
use ser_recipe::{Recipe, WINDOWS_PER_BATCH};
use serde::{Deserialize, Serialize};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::batch::{Batcher, Window, prepare, window_starts};
use crate::error::{Error, Result};
use crate::network::{Network, build_network};
use crate::standardiser::Standardiser;

/// A clip this many times as far from the average of training as the farthest hundredth of the training
/// clips is like none of them.
const UNFAMILIAR: f32 = 1.25;

/// What a model was made from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the split, such as `fold-1`.
    pub split: String,
    /// Checksum of the corpus.
    pub corpus: String,
    /// Whether the corpus is synthetic.
    pub synthetic: bool,
    /// Speakers of the training and validation parts.
    pub speakers: Vec<String>,
    /// Content hashes of the training and validation clips.
    pub content: Vec<String>,
}

/// One or several networks with their labels, feature configurations, normalisers, recipes and
/// origin. The answer is the weighted mean of the networks' probabilities, sharpened or flattened by
/// one temperature.
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
    pub doubt: Option<Doubt>,
    /// The same for clips of an enrolled speaker.
    pub enrolled_doubt: Option<Doubt>,
    /// What it was made from.
    pub provenance: Provenance,
    /// The networks.
    pub networks: Vec<TrainedNetwork>,
}

/// One network of a model.
#[derive(Debug)]
pub struct TrainedNetwork {
    /// The recipe it was trained by.
    pub recipe: Recipe,
    /// [`Recipe::views`]: it answers on each, and its answer is their mean.
    pub(crate) views: Vec<FeatureConfig>,
    /// Statistics of the training part.
    pub standardiser: Standardiser,
    /// How far from the average of training 99 of 100 training clips lie at most: root mean square of
    /// their standardised values.
    pub farthest: f32,
    /// What its probabilities count in the mean.
    pub weight: f64,
    /// The epoch whose weights are kept, counted from 1.
    pub epoch: u32,
    pub(crate) network: Box<dyn Network>,
    /// `[E]`: the average embedding of training, where the recipe has enrolment. One of `vars`.
    pub(crate) centre: Option<Tensor>,
    pub(crate) vars: VarStore,
}

/// What is known of a speaker: how far the embeddings of that voice lie from the average voice's, in
/// each view of each network of the model that made it.
#[derive(Debug)]
pub struct Enrolment {
    /// Clips it was made from.
    clips: usize,
    /// `[E]`; nothing for a network that was trained without enrolment.
    offsets: Vec<Option<Tensor>>,
}

impl Model {
    /// The feature configurations that the networks ask for, each once. A clip is given as one
    /// [`Features`] for each, in this order.
    #[must_use]
    pub fn views(&self) -> Vec<&FeatureConfig> {
        let mut views: Vec<&FeatureConfig> = Vec::new();
        for (_, view) in self.heard() {
            if !views.contains(&view) {
                views.push(view);
            }
        }
        views
    }

    /// Every network with every view it answers on.
    fn heard(&self) -> impl Iterator<Item = (&TrainedNetwork, &FeatureConfig)> {
        let networks = self.networks.iter();
        networks.flat_map(|network| network.views.iter().map(move |view| (network, view)))
    }

    /// An extractor for each of [`Model::views`].
    ///
    /// # Errors
    /// The feature configuration's.
    pub fn extractors(&self) -> Result<Vec<FeatureExtractor>> {
        let views = self.views().into_iter();
        views.map(|view| Ok(FeatureExtractor::new(view)?)).collect()
    }

    /// Probabilities of the labels for each clip, given as [`Model::views`] says.
    ///
    /// A clip that is longer than a network's input is cut into evenly spread windows that
    /// cover it; its probabilities are their mean. A clip's answer does not depend on the others.
    ///
    /// # Errors
    /// [`Error::Shape`] for features of another width or number; [`Error::NotFinite`] where weights
    /// or features are so large that no answer comes out; libtorch's.
    pub fn predict(&self, clips: &[&[Features]]) -> Result<Vec<Vec<f32>>> {
        let nobody = self.heard().map(|_| None).collect();
        let nobody = Enrolment {
            clips: 0,
            offsets: nobody,
        };
        self.predict_enrolled(clips, &nobody)
    }

    /// A speaker, from unlabelled clips of theirs, as many as there are.
    ///
    /// With the mean embedding `m` of `n` clips, the average `c` of training and the recipe's
    /// shrinkage `k`, every clip's embedding is moved by `−(m − c)·n/(n + k)`. Without clips the
    /// answers are those of [`Model::predict`].
    ///
    /// Of an ensemble the networks that were trained with enrolment answer then, if there are any.
    ///
    /// # Errors
    /// [`Error::Shape`] for features of another width or number; libtorch's.
    pub fn enrol(&self, clips: &[&[Features]]) -> Result<Enrolment> {
        let views = self.views();
        let offset = |(network, view): (&TrainedNetwork, &FeatureConfig)| {
            let enrolment = network.recipe.enrolment.as_ref();
            let (Some(centre), Some(config)) = (&network.centre, enrolment) else {
                return Ok(None);
            };
            if clips.is_empty() {
                return Ok(None);
            }
            let n = clips.len() as f64;
            let mean = network.embed(&network.prepared(view, &views, clips)?)?;
            let share = n / (n + config.shrinkage);
            Ok(Some(mean.f_sub(centre)?.f_mul_scalar(share)?))
        };
        let offsets = self.heard().map(offset).collect::<Result<_>>()?;
        Ok(Enrolment {
            clips: clips.len(),
            offsets,
        })
    }

    /// How unlike the training clips a clip is, given as [`Model::views`] says: in the network where it
    /// stands out most, its distance from the average of training over that which 99 of 100 training
    /// clips have at most. Far above 1 the answer is a guess.
    ///
    /// # Errors
    /// [`Error::Shape`] for features of another width or number.
    pub fn unfamiliarity(&self, clip: &[Features]) -> Result<f32> {
        let views = self.views();
        let mut most = 0.0_f32;
        for network in &self.networks {
            for prepared in network.prepared(&network.recipe.features, &views, &[clip])? {
                let distance = network.standardiser.distance(&prepared);
                most = most.max(distance / network.farthest);
            }
        }
        Ok(most)
    }

    /// Whether a clip is like nothing that was learned from: its [`Model::unfamiliarity`] is above 1.25.
    ///
    /// # Errors
    /// As [`Model::unfamiliarity`].
    pub fn is_unfamiliar(&self, clip: &[Features]) -> Result<bool> {
        Ok(self.unfamiliarity(clip)? > UNFAMILIAR)
    }

    /// What the least confident answers are worth, of clips alone or of an enrolled speaker's.
    #[must_use]
    pub fn doubt(&self, enrolled: bool) -> Option<&Doubt> {
        match enrolled {
            true => self.enrolled_doubt.as_ref(),
            false => self.doubt.as_ref(),
        }
    }

    /// Whether [`Model::enrol`] changes anything.
    #[must_use]
    pub fn enrols(&self) -> bool {
        self.networks.iter().any(|network| network.centre.is_some())
    }

    /// As [`Model::predict`], for clips of a speaker enrolled with this model.
    ///
    /// # Errors
    /// As [`Model::predict`]; [`Error::Shape`] for the enrolment of another model.
    pub fn predict_enrolled(
        &self,
        clips: &[&[Features]],
        speaker: &Enrolment,
    ) -> Result<Vec<Vec<f32>>> {
        let heard = self.heard().count();
        if speaker.offsets.len() != heard {
            return Err(Error::Shape {
                what: "views of the networks of the enrolment",
                expected: heard.to_string(),
                actual: speaker.offsets.len().to_string(),
            });
        }
        let enrolled = speaker.offsets.iter().any(Option::is_some);
        let voting = self.heard().zip(&speaker.offsets);
        let voting: Vec<_> = voting
            .filter(|(_, offset)| offset.is_some() || !enrolled)
            .collect();
        let weight = |network: &TrainedNetwork| network.weight / network.views.len() as f64;
        let total: f64 = voting.iter().map(|((network, _), _)| weight(network)).sum();
        let views = self.views();
        let mut sums = vec![vec![0.0_f32; self.labels.len()]; clips.len()];
        for ((network, view), offset) in voting {
            let prepared = network.prepared(view, &views, clips)?;
            let prepared: Vec<&Features> = prepared.iter().collect();
            let share = (weight(network) / total) as f32;
            let answers = network.predict(&prepared, offset.as_ref(), self.labels.len())?;
            for (sum, answer) in sums.iter_mut().zip(answers) {
                sum.iter_mut()
                    .zip(answer)
                    .for_each(|(sum, p)| *sum += share * p);
            }
        }
        let temperature = match enrolled {
            true => self.enrolled_temperature,
            false => self.temperature,
        };
        for sum in &mut sums {
            temper(sum, temperature);
        }
        let finite = |sum: &Vec<f32>| sum.iter().all(|p| p.is_finite());
        match sums.iter().position(|sum| !finite(sum)) {
            Some(clip) => Err(Error::NotFinite { clip }),
            None => Ok(sums),
        }
    }

    /// What each network makes of each clip before it decides: its embedding, a vector for the whole
    /// clip. Clips that lie close together sound alike to the network. A fully connected network has
    /// its standardised input there.
    ///
    /// # Shape
    /// `[networks][clips][E]`, where each network has its own `E`; a clip of several windows has
    /// their mean.
    ///
    /// # Errors
    /// As [`Model::predict`].
    pub fn embeddings(&self, clips: &[&[Features]]) -> Result<Vec<Vec<Vec<f32>>>> {
        let views = self.views();
        let of = |network: &TrainedNetwork| {
            let prepared = network.prepared(&network.recipe.features, &views, clips)?;
            let prepared: Vec<&Features> = prepared.iter().collect();
            network.means(&prepared, network.network.embedding() as usize, Ok)
        };
        self.networks.iter().map(of).collect()
    }

    /// One model of several that tell the same labels apart on the same split, each with a weight.
    /// Their own temperatures are left out: the mean wants another.
    ///
    /// # Errors
    /// [`Error::Data`] without models, or where labels or origin differ.
    pub fn ensemble(name: &str, models: Vec<(Model, f64)>) -> Result<Model> {
        let mut models = models.into_iter();
        let (mut all, first) = models
            .next()
            .ok_or_else(|| Error::Data("an ensemble of no models".to_owned()))?;
        name.clone_into(&mut all.name);
        (all.temperature, all.enrolled_temperature) = (1.0, 1.0);
        (all.doubt, all.enrolled_doubt) = (None, None);
        // A model counts by its weight, however many networks it has.
        spread(&mut all.networks, first);
        for (mut model, weight) in models {
            if model.labels != all.labels || model.provenance != all.provenance {
                let (a, b) = (&all.provenance.split, &model.provenance.split);
                return Err(Error::Data(format!(
                    "the members of {name} were trained on different clips ({a}, {b}) or labels"
                )));
            }
            spread(&mut model.networks, weight);
            all.networks.append(&mut model.networks);
        }
        Ok(all)
    }

    /// Number of trained values of all networks.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let variables = self
            .networks
            .iter()
            .flat_map(|n| n.vars.trainable_variables());
        variables.map(|v| v.numel()).sum()
    }
}

/// Gives each of some equal networks its share of a weight.
fn spread(networks: &mut [TrainedNetwork], weight: f64) {
    let share = weight / networks.len().max(1) as f64;
    networks.iter_mut().for_each(|n| n.weight = share);
}

impl TrainedNetwork {
    /// A network with fresh weights drawn from `rng`.
    pub(crate) fn new(
        recipe: Recipe,
        standardiser: Standardiser,
        labels: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let vars = VarStore::new(Device::Cpu);
        let (coefficients, labels) = (standardiser.mean.len() as i64, labels as i64);
        let network = build_network(&recipe.network, &vars.root(), coefficients, labels, rng)?;
        let centre = match recipe.enrolment {
            Some(_) => Some(
                vars.root()
                    .f_zeros_no_train("centre", &[network.embedding()])?,
            ),
            None => None,
        };
        Ok(Self {
            views: recipe.views(),
            recipe,
            standardiser,
            farthest: 1.0,
            weight: 1.0,
            epoch: 0,
            network,
            centre,
            vars,
        })
    }

    /// One of the `views` of each clip, prepared.
    fn prepared(
        &self,
        view: &FeatureConfig,
        views: &[&FeatureConfig],
        clips: &[&[Features]],
    ) -> Result<Vec<Features>> {
        let position = views.iter().position(|other| *other == view);
        let prepared = clips.iter().map(|clip| {
            let features = position.and_then(|i| clip.get(i));
            let features = features.filter(|_| clip.len() == views.len());
            let features = features.ok_or_else(|| Error::Shape {
                what: "views of a clip",
                expected: views.len().to_string(),
                actual: clip.len().to_string(),
            })?;
            prepare(&self.recipe.input, features)
        });
        prepared.collect()
    }

    /// Probabilities for prepared clips of a speaker with this offset.
    pub(crate) fn predict(
        &self,
        clips: &[&Features],
        offset: Option<&Tensor>,
        labels: usize,
    ) -> Result<Vec<Vec<f32>>> {
        self.means(clips, labels, |embedding| {
            let embedding = match offset {
                Some(offset) => embedding.f_sub(offset)?,
                None => embedding,
            };
            let scores = self.network.classify(embedding, None)?;
            Ok(scores.f_softmax(1, Kind::Float)?)
        })
    }

    /// For each prepared clip the mean over its windows of what `of` makes of their embeddings:
    /// `[B, E] → [B, values]`.
    fn means(
        &self,
        clips: &[&Features],
        values: usize,
        of: impl Fn(Tensor) -> Result<Tensor>,
    ) -> Result<Vec<Vec<f32>>> {
        let mut sums = vec![vec![0.0_f32; values]; clips.len()];
        let mut counts = vec![0_u32; clips.len()];
        self.for_each_batch(clips, |batch, embedding| {
            let rows = Vec::<f32>::try_from(of(embedding)?.f_flatten(0, 1)?)?;
            for (&clip, row) in batch.iter().zip(rows.chunks(values)) {
                sums[clip]
                    .iter_mut()
                    .zip(row)
                    .for_each(|(sum, x)| *sum += x);
                counts[clip] += 1;
            }
            Ok(())
        })?;
        for (sum, count) in sums.iter_mut().zip(counts) {
            sum.iter_mut().for_each(|x| *x /= count as f32);
        }
        Ok(sums)
    }

    /// `[E]`: mean embedding of prepared clips, at least one.
    fn embed(&self, clips: &[Features]) -> Result<Tensor> {
        let clips: Vec<&Features> = clips.iter().collect();
        let mut sums = Vec::new();
        self.for_each_batch(&clips, |_, embedding| {
            sums.push((
                embedding.size()[0],
                embedding.f_sum_dim_intlist(0, false, Kind::Float)?,
            ));
            Ok(())
        })?;
        let windows: i64 = sums.iter().map(|(n, _)| n).sum();
        let sums: Vec<Tensor> = sums.into_iter().map(|(_, sum)| sum).collect();
        let sum = Tensor::f_stack(&sums, 0)?.f_sum_dim_intlist(0, false, Kind::Float)?;
        Ok(sum.f_div_scalar(windows)?)
    }

    /// Embeddings of all windows of prepared clips: for each batch the clip of each row, and the rows
    /// `[B, E]`.
    fn for_each_batch(
        &self,
        clips: &[&Features],
        mut take: impl FnMut(&[usize], Tensor) -> Result<()>,
    ) -> Result<()> {
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
        let mut batcher = Batcher::new(&self.recipe.input, &self.standardiser);
        for batch in windows.chunks(WINDOWS_PER_BATCH) {
            let views: Vec<_> = batch
                .iter()
                .map(|&(clip, start)| Window::plain(clips[clip], start))
                .collect();
            let (x, lengths) = batcher.windows(&views)?;
            let rows: Vec<usize> = batch.iter().map(|&(clip, _)| clip).collect();
            take(&rows, self.network.embed(&x, &lengths, None)?)?;
        }
        Ok(())
    }

    /// All weights and running statistics by name, sharing memory with the network.
    fn weights(&self) -> BTreeMap<String, Tensor> {
        self.vars.variables().into_iter().collect()
    }

    /// Whether all weights are numbers.
    pub(crate) fn is_finite(&self) -> Result<bool> {
        for weight in self.weights().values() {
            if i64::try_from(weight.f_isfinite()?.f_all()?)? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
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
