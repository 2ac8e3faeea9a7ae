//! Fine-tuning of a model on a few labelled clips, in plain Rust.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_features::Features;

use crate::architecture::Architecture;
use crate::density::distance_limit;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::network::Scratch;
use crate::regression::{Correction, Examples, add_products};
use crate::trained_network::{TrainedNetwork, add, add_share, softmax};

/// Weight of the penalty on moving the last layer away from its original weights.
const RIDGE: f64 = 1.0;
/// Number of folds of the cross-validation on the clips. With fewer speakers, or fewer recordings of one speaker, some
/// folds are empty.
const FOLDS: usize = 5;

/// A clip with its label, speaker and recording.
#[derive(Debug, Clone)]
pub struct LabelledClip<'a> {
    /// Its pieces, as [`Predictor::pieces`](crate::Predictor::pieces) returns them: the features of each, in the order of
    /// [`Model::views`], and its length in seconds, by which it is weighted. A clip that is answered as a whole is one piece.
    pub pieces: Vec<(&'a [Features], f64)>,
    /// Index of its label among those of the model.
    pub target: usize,
    /// Number of its speaker. Clips with the same number have the same voice.
    pub speaker: usize,
    /// Number of its recording. Clips with the same number have the same sound or are parts of the same recording.
    pub recording: usize,
}

/// A model and the labelled clips on which it is fine-tuned; see [`Model::fine_tune`].
#[derive(Debug)]
pub struct FineTuning<'a> {
    model: &'a Model,
    clips: &'a [LabelledClip<'a>],
    embedded: Vec<Embedded<'a>>,
}

/// A network, and the embeddings that it computes from the clips.
#[derive(Debug)]
struct Embedded<'a> {
    network: &'a TrainedNetwork,
    /// `[clips][windows]`, the windows of all pieces and views.
    clips: Vec<Vec<Window>>,
    /// Weight `[K, E']` of the last layer; `bias` has the shape `[K]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// The embedding of a window of a clip.
#[derive(Debug)]
struct Window {
    /// Its weight in the mean over the clip: the pieces of a clip count by their lengths, the views and windows of a piece alike.
    share: f32,
    /// `[E]`
    embedding: Vec<f32>,
}

/// The changes that fine-tuning makes to a network.
struct Update {
    /// `[E]`: the offset that is subtracted from embeddings.
    offset: Option<Vec<f32>>,
    /// The terms that are added to the last layer.
    correction: Correction,
}

impl Model {
    /// Prepares fine-tuning of this model on labelled clips. [`FineTuning::model()`] then changes each network in two
    /// steps:
    ///
    /// 1. Embeddings are shifted as for an enrolled speaker ([`Model::enrol`]), with the pieces of all clips in place of a
    ///    speaker's clips. This removes what channel, room and language have in common in all of them.
    /// 2. The last layer is fitted to the clips by logistic regression with a penalty on the distance from its original
    ///    weights (L2-SP, Li et al. 2018). Each emotion has the same weight. For an emotion that no clip has, the
    ///    weights of its score are unchanged. While the layer is fitted, such emotions are not possible answers, so the
    ///    model does not unlearn them.
    ///
    /// All other weights are unchanged. The same clips give the same model, whatever the number of threads.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of features or of their coefficients is wrong, if a target is not the index of a
    /// label, or if there are no clips, or no pieces of one.
    pub fn fine_tune<'a>(&'a self, clips: &'a [LabelledClip<'a>]) -> Result<FineTuning<'a>> {
        let labels = self.labels.len();
        let wrong = clips.iter().find(|clip| clip.target >= labels);
        if let Some(clip) = wrong {
            return Err(Error::Shape {
                what: "the number of a label",
                expected: format!("less than {labels}"),
                actual: clip.target.to_string(),
            });
        }
        if clips.is_empty() || clips.iter().any(|clip| clip.pieces.is_empty()) {
            return Err(Error::Shape {
                what: "labelled clips, or pieces of one",
                expected: "one or more".to_owned(),
                actual: "none".to_owned(),
            });
        }
        let embedded = self.networks.iter();
        let embedded = embedded.map(|network| self.embed_clips(network, clips));
        let embedded: Vec<Embedded> = embedded.collect::<Result<_>>()?;
        Ok(FineTuning {
            model: self,
            clips,
            embedded,
        })
    }

    fn embed_clips<'a>(
        &self,
        network: &'a TrainedNetwork,
        clips: &[LabelledClip],
    ) -> Result<Embedded<'a>> {
        let views = self.views();
        let embed = |clip: &LabelledClip| -> Result<Vec<Window>> {
            let (mut scratch, mut windows) = (Scratch::default(), Vec::new());
            let seconds: f64 = clip.pieces.iter().map(|(_, seconds)| seconds).sum();
            for (features, length) in &clip.pieces {
                for view in network.views() {
                    let prepared = network.prepared(view, &views, features)?;
                    let embeddings = network.embed(&prepared, &mut scratch);
                    let alike = (network.views().len() * embeddings.len()) as f64;
                    let share = (length / seconds / alike) as f32;
                    let of_view = embeddings.into_iter();
                    windows.extend(of_view.map(|embedding| Window { share, embedding }));
                }
            }
            Ok(windows)
        };
        let (weight, bias) = network.output();
        Ok(Embedded {
            network,
            clips: clips.par_iter().map(embed).collect::<Result<_>>()?,
            weight,
            bias,
        })
    }
}

impl FineTuning<'_> {
    /// Returns the model fine-tuned on all the clips. Its name, origin, temperatures and confidence thresholds are
    /// those of the original model. The limit of its density is raised, if necessary, to the distance that 97.5 % of the pieces of
    /// the clips do not exceed: recordings like those that it was tuned on are not out of distribution any more.
    ///
    /// # Errors
    /// [`Error::Weights`] if weights become infinite.
    pub fn model(&self) -> Result<Model> {
        let all: Vec<usize> = (0..self.clips.len()).collect();
        let updates = self.fit_updates(&all);
        let networks = self.embedded.iter().zip(&updates);
        let classes = self.model.labels.len();
        let networks = networks.map(|(network, update)| network.updated(update, classes));
        let mut model = self.model.with_networks(networks.collect::<Result<_>>()?);
        if let Some(density) = &mut model.density {
            let pieces = self.clips.iter().flat_map(|clip| &clip.pieces);
            let pieces: Vec<&[Features]> = pieces.map(|(piece, _)| *piece).collect();
            let distances = pieces
                .par_iter()
                .map(|piece| self.model.distance(density, piece));
            if let Some(limit) = distance_limit(distances.collect::<Result<_>>()?) {
                density.info.limit = density.info.limit.max(limit);
            }
        }
        Ok(model)
    }

    /// Returns the probabilities that the original model gives for the clips, without a temperature: `[clips][labels]`.
    #[must_use]
    pub fn before(&self) -> Vec<Vec<f32>> {
        let clips = 0..self.clips.len();
        clips.map(|i| self.answer(None, i)).collect()
    }

    /// Returns the probabilities for the clips from a cross-validation, without a temperature: `[clips][labels]`.
    ///
    /// The model that answers a clip is fine-tuned like the final one, but on no clip of the same speaker or, if all
    /// clips are of one speaker, on no clip of the same recording.
    #[must_use]
    pub fn after(&self) -> Vec<Vec<f32>> {
        let folds = folds(self.clips);
        let all: Vec<usize> = (0..self.clips.len()).collect();
        let numbers: Vec<usize> = (0..FOLDS).collect();
        let answers = numbers.par_iter().map(|&fold| {
            let (held, train): (Vec<usize>, Vec<usize>) =
                all.iter().partition(|&&i| folds[i] == fold);
            let updates = (!train.is_empty()).then(|| self.fit_updates(&train));
            let answer = |i| (i, self.answer(updates.as_deref(), i));
            held.into_iter().map(answer).collect::<Vec<_>>()
        });
        let answers: BTreeMap<usize, Vec<f32>> = answers.flatten_iter().collect();
        answers.into_values().collect()
    }

    /// Fits the update of each network to the clips with the indices `train`.
    fn fit_updates(&self, train: &[usize]) -> Vec<Update> {
        let networks = self.embedded.iter();
        networks
            .map(|network| network.fit_update(train, self.clips))
            .collect()
    }

    /// Returns the weighted mean of the networks' probabilities for a clip, each network with its update.
    fn answer(&self, updates: Option<&[Update]>, clip: usize) -> Vec<f32> {
        let total: f64 = self
            .model
            .networks
            .iter()
            .map(|network| network.info.weight)
            .sum();
        let mut answer = vec![0.0_f32; self.model.labels.len()];
        for (i, network) in self.embedded.iter().enumerate() {
            let update = updates.and_then(|updates| updates.get(i));
            let share = (network.network.info.weight / total) as f32;
            add_share(&mut answer, share, &network.probabilities(clip, update));
        }
        answer
    }
}

impl Embedded<'_> {
    fn fit_update(&self, train: &[usize], clips: &[LabelledClip]) -> Update {
        let mut sum = vec![0.0; self.network.embedding()];
        let mut windows = 0;
        for window in train.iter().flat_map(|&i| &self.clips[i]) {
            add(&mut sum, &window.embedding);
            windows += 1;
        }
        let pieces = train.iter().map(|&i| clips[i].pieces.len()).sum();
        let offset = self.network.offset(pieces, &sum, windows);
        let hidden = train.iter().map(|&i| self.hidden(i, offset.as_deref()));
        let hidden: Vec<Vec<f32>> = hidden.collect();
        let targets: Vec<usize> = train.iter().map(|&i| clips[i].target).collect();
        let mut scores: Vec<Vec<f32>> = hidden.iter().map(|row| self.scores(row)).collect();
        for row in &mut scores {
            let classes = row.iter_mut().enumerate();
            let absent = classes.filter(|(class, _)| !targets.contains(class));
            absent.for_each(|(_, score)| *score = f32::NEG_INFINITY);
        }
        Update {
            correction: Examples::new(&hidden).fit(&scores, &targets, &balanced(&targets), RIDGE),
            offset,
        }
    }

    /// Computes the mean over the windows of a clip, by their shares, of what `of` makes of the input of the last layer `[E']`.
    fn mean_over_windows(
        &self,
        clip: usize,
        offset: Option<&[f32]>,
        of: impl Fn(&[f32]) -> Vec<f32>,
    ) -> Vec<f32> {
        let (mut scratch, mut mean) = (Scratch::default(), Vec::new());
        for Window { share, embedding } in &self.clips[clip] {
            scratch.embedding.clone_from(embedding);
            let values = of(self.network.hidden(offset, &mut scratch));
            mean.resize(values.len(), 0.0_f32);
            add_share(&mut mean, *share, &values);
        }
        mean
    }

    /// Computes the mean input of the last layer for a clip: `[E']`.
    fn hidden(&self, clip: usize, offset: Option<&[f32]>) -> Vec<f32> {
        self.mean_over_windows(clip, offset, <[f32]>::to_vec)
    }

    /// Computes the probabilities for a clip, with the update, as [`Model::predict`] does: `[K]`.
    fn probabilities(&self, clip: usize, update: Option<&Update>) -> Vec<f32> {
        let offset = update.and_then(|update| update.offset.as_deref());
        self.mean_over_windows(clip, offset, |hidden| {
            let mut scores = self.scores(hidden);
            if let Some(Update { correction, .. }) = update {
                add_products(&mut scores, &correction.weight, &correction.bias, hidden);
            }
            softmax(&mut scores);
            scores
        })
    }

    fn scores(&self, hidden: &[f32]) -> Vec<f32> {
        let mut scores = vec![0.0; self.bias.len()];
        add_products(&mut scores, &self.weight, &self.bias, hidden);
        scores
    }

    /// Returns the network with the update applied to its weights.
    fn updated(&self, update: &Update, classes: usize) -> Result<TrainedNetwork> {
        let mut tensors = self.network.tensors();
        let mut change = |name: &str, terms: &[f32]| {
            if let Some(tensor) = tensors.get_mut(name) {
                add(&mut tensor.values, terms);
            }
        };
        change("output.weight", &update.correction.weight);
        change("output.bias", &update.correction.bias);
        if let Some(offset) = &update.offset {
            // The offset of a speaker who is enrolled later is then relative to the new average.
            change("centre", offset);
            // The layer that gets the embedding absorbs the offset: W (x − offset) + b = W x + (b − W offset).
            let first = match &self.network.info.network {
                Architecture::Mlp(config) if !config.hidden.is_empty() => "hidden.0",
                _ => "output",
            };
            let weight = tensors.get(&format!("{first}.weight"));
            let weight = weight
                .map(|tensor| tensor.values.clone())
                .unwrap_or_default();
            if let Some(bias) = tensors.get_mut(&format!("{first}.bias")) {
                let moved: Vec<f32> = offset.iter().map(|x| -x).collect();
                let zeros = vec![0.0; bias.values.len()];
                add_products(&mut bias.values, &weight, &zeros, &moved);
            }
        }
        TrainedNetwork::new(self.network.info.clone(), classes, tensors)
    }
}

/// Returns a weight for each clip, so that all classes that occur have the same total weight, and all weights sum to
/// the number of clips.
fn balanced(targets: &[usize]) -> Vec<f64> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for target in targets {
        *counts.entry(*target).or_default() += 1;
    }
    let each = targets.len() as f64 / counts.len().max(1) as f64;
    let weights = targets.iter().map(|target| each / counts[target] as f64);
    weights.collect()
}

/// Assigns each clip to a fold.
///
/// The speakers are assigned in descending order of their number of clips, each to the fold that has the fewest clips
/// so far. If there is only one speaker, the recordings are assigned in the same way; those of equal size are in the
/// order of their labels.
fn folds(clips: &[LabelledClip]) -> Vec<usize> {
    let mut by_speaker: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, clip) in clips.iter().enumerate() {
        by_speaker.entry(clip.speaker).or_default().push(i);
    }
    let mut groups: Vec<Vec<usize>> = by_speaker.into_values().collect();
    if groups.len() == 1 {
        let mut by_recording: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, clip) in clips.iter().enumerate() {
            by_recording.entry(clip.recording).or_default().push(i);
        }
        groups = by_recording.into_values().collect();
        groups.sort_by_key(|clip| clips[clip[0]].target);
    }
    groups.sort_by_key(|clips| std::cmp::Reverse(clips.len()));
    let (mut folds, mut sizes) = (vec![0; clips.len()], [0; FOLDS]);
    for group in groups {
        let smallest = (0..FOLDS).min_by_key(|&fold| sizes[fold]).unwrap_or(0);
        sizes[smallest] += group.len();
        group.into_iter().for_each(|i| folds[i] = smallest);
    }
    folds
}
