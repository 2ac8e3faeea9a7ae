//! The training loop.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Instant;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution};
use ser_eval::{Epoch, History, accuracy, uar};
use ser_features::Features;
use ser_predict::{Model, NetworkInfo, Provenance, Scratch, Standardiser, TrainedNetwork, argmax};
use ser_recipe::{ClassWeights, EnrolmentConfig, Monitor, OptimizerKind, Recipe, Training};
use tch::nn::{Adam, AdamW, Optimizer, OptimizerConfig, VarStore};
use tch::{Kind, Reduction, Tensor};

use crate::balance::{self, Stratum};
use crate::batch::Batcher;
use crate::density;
use crate::distort::Distortion;
use crate::error::{Error, Result};
use crate::layers::NO_DECAY;
use crate::libtorch::{call_first, set_threads};
use crate::network::{TrainingNetwork, tensors};

/// Share of the batch's mean in each update of the average embedding.
const CENTRE_MOMENTUM: f64 = 0.05;

/// Probability that no clip of a group is known.
const NOBODY: f64 = 0.15;

/// One clip with its class and speaker.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// Features of the clip, followed by those of its augmented copies, if the recipe has any: each `[frames,
    /// coefficients]`, not yet standardised. Validation uses the first alone.
    pub copies: &'a [Features],
    /// Number of the class, an index into [`TrainingData::labels`].
    pub target: usize,
    /// Number of the speaker; clips with the same number are of the same speaker.
    pub speaker: usize,
    /// Number of the corpus.
    pub corpus: usize,
}

/// The data that a model may be made from. There is no test part here, so training cannot use it.
#[derive(Debug)]
pub struct TrainingData<'a> {
    /// Class names; a target is an index into them.
    pub labels: Vec<String>,
    /// The training clips.
    pub train: Vec<Example<'a>>,
    /// The clips on which the best epoch is chosen. With [`Monitor::LastEpoch`] they only give figures for the history,
    /// and there may be none.
    pub validation: Vec<Example<'a>>,
    /// Where the clips come from, for the model file.
    pub provenance: Provenance,
}

/// A finished training.
#[derive(Debug)]
pub struct Trained {
    /// The model, with the weights of the epoch that was kept of each network.
    pub model: Model,
    /// All epochs of the first network, and which one was kept. Without a validation part, the validation figures
    /// are NaN.
    pub history: History,
    /// The epoch in which the training of a network reached infinite values or NaN, if any did. That training ended
    /// there, and an earlier epoch is kept.
    pub diverged: Option<u32>,
}

/// Trains the networks of a recipe. Of each network it keeps the best epoch on the validation part or, with
/// [`Monitor::LastEpoch`], the last one.
///
/// `seed` is added to the seed of the recipe, so that every split can have its own. The same recipe, data,
/// seed and thread count give the same weights on the same machine. The training figures of an epoch are computed
/// on its batches during training (augmented, with dropout). `on_epoch` is called after each epoch of each network,
/// one network after the other.
///
/// # Errors
/// - [`Error::Data`] if the data cannot be trained on: for example, the training clips do not fill a batch, the recipe
///   needs validation clips and there are none, or a feature is not finite
/// - [`Error::Diverged`] if no epoch ended with finite weights
/// - [`Error::Torch`] if libtorch refuses an operation
/// - [`Error::Recipe`], [`Error::Predict`] and [`Error::Eval`] from the crates that do a part of the work
pub fn train(
    recipe: &Recipe,
    data: TrainingData,
    seed: u64,
    on_epoch: &mut dyn FnMut(&Epoch),
) -> Result<Trained> {
    check(&data, recipe)?;
    set_threads(recipe.training.threads);
    call_first();
    let prepared = |examples: &[Example]| -> Vec<Clip> {
        let clip = |e: &Example| {
            let copies = e.copies.iter().map(|copy| recipe.input.prepare(copy));
            Clip {
                copies: copies.collect(),
                stratum: Stratum {
                    corpus: e.corpus,
                    class: e.target,
                    speaker: e.speaker,
                },
            }
        };
        examples.iter().map(clip).collect()
    };
    let (train, validation) = (prepared(&data.train), prepared(&data.validation));
    let mut networks = Vec::new();
    let (mut first, mut diverged) = (None, None);
    for number in 0..recipe.training.networks as u64 {
        let seed = recipe.training.seed.wrapping_add(seed);
        // Weights, order, crops, masks and dropout are drawn from this generator. The generator of libtorch is
        // shared by the whole process: parallel trainings would draw from it in no fixed order.
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        let labels = data.labels.len();
        let (network, history, lost) =
            train_network(recipe, &train, &validation, labels, &mut rng, on_epoch)?;
        networks.push(network);
        diverged = diverged.or(lost);
        first.get_or_insert(history);
    }
    // All networks have the same input.
    let standardiser = networks.first().map(|network| &network.info.standardiser);
    let density = standardiser.map(|standardiser| density::fit(recipe, standardiser, &train));
    let density = density.transpose()?;
    let mut model = Model::new(
        &recipe.name,
        data.labels,
        networks,
        data.provenance,
        recipe.to_toml()?,
    );
    model.density = density;
    Ok(Trained {
        model,
        history: first.unwrap_or_default(),
        diverged,
    })
}

/// A clip with prepared features.
pub(crate) struct Clip {
    pub(crate) copies: Vec<Features>,
    pub(crate) stratum: Stratum,
}

/// A clip and the index of the copy of it that goes into a batch.
type Drawn<'a> = (&'a Clip, usize);

fn train_network(
    recipe: &Recipe,
    train: &[Clip],
    validation: &[Clip],
    labels: usize,
    rng: &mut ChaCha8Rng,
    on_epoch: &mut dyn FnMut(&Epoch),
) -> Result<(TrainedNetwork, History, Option<u32>)> {
    let training = &recipe.training;
    let standardiser = Standardiser::fit(train.iter().flat_map(|clip| &clip.copies))?;
    let model = TrainingNetwork::new(recipe, standardiser.mean.len(), labels, rng)?;
    let described = NetworkInfo {
        weight: 1.0,
        epoch: 0,
        features: recipe.features.clone(),
        test_semitones: recipe.augmentation.test_semitones.clone(),
        input: recipe.input.clone(),
        network: recipe.network.architecture(),
        shrinkage: recipe.enrolment.as_ref().map(|e| e.shrinkage),
        standardiser,
    };
    let mut optimizer = optimizer(training, &model.vars)?;
    let objective = Objective {
        recipe,
        model: &model,
        distortion: Distortion::of(recipe),
        class_weights: class_weights(training.class_weights, train, labels)?,
    };
    let strata: Vec<Stratum> = train.iter().map(|clip| clip.stratum).collect();
    let mut history = History::default();
    let mut best: Option<((f64, f64), TrainedNetwork)> = None;
    let mut diverged = None;
    let mut steps_done = 0;

    for epoch in 1..=training.epochs {
        let start = Instant::now();
        let mut tally = Tally::default();
        let mut learning_rate = 0.0;
        let mut batcher = Batcher::new(&recipe.input, &described.standardiser);
        let order = draw(train, &strata, recipe, rng);
        let steps = order.len() / training.batch_size * training.epochs as usize;
        // The clips that do not fill a last batch are left out of this epoch.
        for batch in order.chunks_exact(training.batch_size) {
            learning_rate =
                training
                    .schedule
                    .learning_rate(training.learning_rate, steps_done, steps);
            steps_done += 1;
            optimizer.set_lr(learning_rate);
            let Forward {
                loss,
                scores,
                mixed,
            } = objective.forward(batch, &mut batcher, steps_done == 1, rng)?;
            optimizer.zero_grad();
            loss.f_backward()?;
            if let Some(norm) = training.gradient_clip {
                optimizer.clip_grad_norm(norm);
            }
            optimizer.step();
            let truth = (0..batch.len()).map(|i| batch[mixed.mostly(i)].0.stratum.class);
            tally.add(f64::try_from(&loss)?, &classes(&scores)?, truth);
        }
        // The last step may have made weights infinite or NaN, which no loss shows yet.
        if !tally.loss().is_finite() || !model.is_finite()? {
            diverged = Some(epoch);
            break;
        }

        let info = NetworkInfo {
            epoch,
            ..described.clone()
        };
        let trained = TrainedNetwork::new(info, labels, tensors(&model.vars)?)?;
        let seen = validate(&trained, validation);
        let row = Epoch {
            epoch,
            learning_rate,
            train_loss: tally.loss(),
            train_accuracy: tally.accuracy()?,
            train_uar: tally.uar()?,
            validation_loss: seen.loss(),
            validation_accuracy: seen.accuracy()?,
            validation_uar: seen.uar()?,
            seconds: start.elapsed().as_secs_f64(),
        };
        on_epoch(&row);
        let score = score(training.monitor, &row);
        history.epochs.push(row);
        if best.as_ref().is_none_or(|(highest, _)| score > *highest) {
            best = Some((score, trained));
        }
        let best_epoch = best.as_ref().map(|(_, network)| network.info.epoch);
        let since_best = best_epoch.map_or(0, |at| epoch - at);
        if training
            .patience
            .is_some_and(|patience| since_best >= patience)
        {
            break;
        }
    }

    let Some((_, network)) = best else {
        return Err(Error::Diverged);
    };
    history.best = Some(network.info.epoch);
    Ok((network, history, diverged))
}

/// What a batch is trained with, the same for every batch of a training.
struct Objective<'a> {
    recipe: &'a Recipe,
    model: &'a TrainingNetwork,
    distortion: Option<Distortion>,
    class_weights: Option<Tensor>,
}

/// A batch after the forward pass.
struct Forward {
    loss: Tensor,
    /// `[B, K]`
    scores: Tensor,
    mixed: Mixed,
}

impl Objective<'_> {
    /// Computes the loss of a batch: distortion, augmentation, embedding, enrolment of some clips of each group, mixup,
    /// classification. `is_first` says whether this is the first batch of the training.
    fn forward(
        &self,
        batch: &[Drawn],
        batcher: &mut Batcher,
        is_first: bool,
        rng: &mut ChaCha8Rng,
    ) -> Result<Forward> {
        let (recipe, model) = (self.recipe, self.model);
        let clips = batch.iter().map(|(clip, k)| &clip.copies[*k]);
        let clips: Vec<Cow<Features>> = match &self.distortion {
            Some(distortion) => {
                let distorted = clips.map(|clip| distortion.apply(clip, rng).map(Cow::Owned));
                distorted.collect::<Result<_>>()?
            }
            None => clips.map(Cow::Borrowed).collect(),
        };
        let clips: Vec<&Features> = clips.iter().map(Cow::as_ref).collect();
        let (x, lengths) = batcher.random(&clips, &recipe.augmentation, rng)?;
        let mut x = model.network.embed(&x, &lengths, Some(rng))?;
        if let (Some(config), Some(centre)) = (&recipe.enrolment, &model.centre) {
            let groups = batch.len() / config.group;
            let known: Vec<usize> = (0..groups).map(|_| draw_known(config, rng)).collect();
            x = centred(&x, config, &known, centre, is_first)?;
        }
        let mixed = Mixed::draw(recipe.augmentation.mixup, batch.len(), rng)?;
        let scores = model.network.classify(mixed.features(x)?, Some(rng))?;
        let loss = |targets: Vec<i64>| {
            Ok::<_, Error>(scores.f_cross_entropy_loss(
                &Tensor::f_from_slice(&targets)?,
                self.class_weights.as_ref(),
                Reduction::Mean,
                -100,
                recipe.training.label_smoothing,
            )?)
        };
        let targets = batch.iter().map(|(clip, _)| clip.stratum.class as i64);
        let loss = mixed.loss(targets.collect(), loss)?;
        Ok(Forward {
            loss,
            scores,
            mixed,
        })
    }
}

/// Draws the clips of an epoch in random order, one copy of each. With enrolment they come in groups: the members
/// of a group are of one speaker, have the same copy index, and stand side by side.
fn draw<'a>(
    clips: &'a [Clip],
    strata: &[Stratum],
    recipe: &Recipe,
    rng: &mut ChaCha8Rng,
) -> Vec<Drawn<'a>> {
    let levels = &recipe.training.balance;
    let Some(config) = &recipe.enrolment else {
        let mut order = balance::draw(strata, levels, rng);
        order.shuffle(rng);
        let drawn = order.into_iter().map(|i| &clips[i]);
        return drawn
            .map(|clip| (clip, rng.random_range(0..clip.copies.len())))
            .collect();
    };
    let mut groups: Vec<Vec<Drawn>> = Vec::new();
    for mut own in balance::draw_by_speaker(strata, levels, config.group, rng) {
        own.shuffle(rng);
        // The clips of a speaker who has too few for a group are repeated.
        if own.len() < config.group {
            own = own.iter().copied().cycle().take(config.group).collect();
        }
        for group in own.chunks_exact(config.group) {
            let group = || group.iter().map(|&i| &clips[i]);
            let copies = group().map(|clip| clip.copies.len()).min().unwrap_or(1);
            let copy = rng.random_range(0..copies);
            groups.push(group().map(|clip| (clip, copy)).collect());
        }
    }
    groups.shuffle(rng);
    groups.concat()
}

/// Draws how many clips of a group are known: none with probability [`NOBODY`], else a number from two to all, uniform
/// on a logarithmic scale. So one network learns to answer with few, many or no known clips.
fn draw_known(config: &EnrolmentConfig, rng: &mut ChaCha8Rng) -> usize {
    if rng.random_bool(NOBODY) {
        return 0;
    }
    let range = 2.0_f64.ln()..=(config.group as f64).ln();
    rng.random_range(range).exp().round() as usize
}

/// Shifts the embeddings `[B, E]` of each group as [`Model::enrol`] would if the first `known` clips of the group were
/// enrolled. Also moves `centre`, the average embedding, towards the mean of the batch, and all the way in the `first`
/// step.
fn centred(
    x: &Tensor,
    config: &EnrolmentConfig,
    known: &[usize],
    centre: &Tensor,
    first: bool,
) -> Result<Tensor> {
    {
        let _guard = tch::no_grad_guard();
        let mean = x.f_mean_dim(0, false, Kind::Float)?;
        let share = if first { 1.0 } else { CENTRE_MOMENTUM };
        let _ = centre.shallow_clone().f_lerp_(&mean, share)?;
    }
    let (batch, values) = x.size2()?;
    let (groups, group) = (known.len() as i64, config.group as i64);
    // The offset of a group is (mean of the known clips − centre) · known / (known + shrinkage).
    let share = |&n: &usize| match n {
        0 => 0.0,
        n => (n as f64 / (n as f64 + config.shrinkage)) as f32,
    };
    let weights = known.iter().flat_map(|n| {
        let weight = share(n) / (*n).max(1) as f32;
        (0..config.group).map(move |i| if i < *n { weight } else { 0.0 })
    });
    let weights = Tensor::f_from_slice(&weights.collect::<Vec<f32>>())?;
    let shares = Tensor::f_from_slice(&known.iter().map(share).collect::<Vec<f32>>())?;
    let x = x.f_reshape([groups, group, values])?;
    let sums = x.f_mul(&weights.f_reshape([groups, group, 1])?)?;
    let sums = sums.f_sum_dim_intlist(1, true, Kind::Float)?;
    let offset = sums.f_sub(&shares.f_reshape([groups, 1, 1])?.f_mul(centre)?)?;
    Ok(x.f_sub(&offset)?.f_reshape([batch, values])?)
}

/// Mixup: how a batch is mixed with itself in another order (Zhang et al. 2018).
struct Mixed {
    /// Weight of the clip itself; 1 without mixup.
    share: f64,
    /// Index in the batch of the clip that each clip is mixed with.
    partners: Vec<i64>,
}

impl Mixed {
    fn draw(alpha: f64, clips: usize, rng: &mut ChaCha8Rng) -> Result<Self> {
        let mut partners: Vec<i64> = (0..clips as i64).collect();
        let mut share = 1.0;
        if alpha > 0.0 {
            let beta = Beta::new(alpha, alpha);
            let beta = beta.map_err(|e| Error::Data(format!("mixup of {alpha}: {e}")))?;
            share = beta.sample(rng);
            partners.shuffle(rng);
        }
        Ok(Self { share, partners })
    }

    fn features(&self, x: Tensor) -> Result<Tensor> {
        if self.share == 1.0 {
            return Ok(x);
        }
        let partners = x.f_index_select(0, &Tensor::f_from_slice(&self.partners)?)?;
        Ok(partners.f_lerp(&x, self.share)?)
    }

    /// Returns the index of the clip that has the larger weight in the mix at index `i`.
    fn mostly(&self, i: usize) -> usize {
        if self.share < 0.5 {
            self.partners[i] as usize
        } else {
            i
        }
    }

    /// Returns the weighted mean of the losses against the clips' own targets and against those of their partners.
    fn loss(&self, targets: Vec<i64>, loss: impl Fn(Vec<i64>) -> Result<Tensor>) -> Result<Tensor> {
        if self.share == 1.0 {
            return loss(targets);
        }
        let partners = self.partners.iter().map(|&i| targets[i as usize]).collect();
        let (own, other) = (loss(targets)?, loss(partners)?);
        Ok(other.f_lerp(&own, self.share)?)
    }
}

fn check(data: &TrainingData, recipe: &Recipe) -> Result<()> {
    let training = &recipe.training;
    let classes = data.labels.len();
    let all = || data.train.iter().chain(&data.validation);
    if classes < 2 {
        return Err(Error::Data(format!(
            "at least two classes are needed, found {classes}"
        )));
    }
    if data.validation.is_empty() && training.monitor != Monitor::LastEpoch {
        return Err(Error::Data("the validation part is empty".to_owned()));
    }
    if data.train.len() < training.batch_size {
        let (clips, batch) = (data.train.len(), training.batch_size);
        return Err(Error::Data(format!(
            "{clips} training clips do not fill a batch of {batch}"
        )));
    }
    if let Some(config) = &recipe.enrolment {
        let mut clips: BTreeMap<usize, usize> = BTreeMap::new();
        for e in &data.train {
            *clips.entry(e.speaker).or_default() += 1;
        }
        let grouped = clips.values();
        let grouped = grouped.map(|n| (n - n % config.group).max(config.group));
        let (grouped, group) = (grouped.sum::<usize>(), config.group);
        if grouped < training.batch_size {
            let batch = training.batch_size;
            return Err(Error::Data(format!(
                "{grouped} training clips in groups of {group} of one speaker do not fill a batch \
                 of {batch}"
            )));
        }
    }
    if let Some(e) = all().find(|e| e.target >= classes) {
        return Err(Error::Data(format!(
            "a clip has target {} of {classes} classes, which are counted from 0",
            e.target
        )));
    }
    let is_bare = |e: &&Example| e.copies.is_empty() || e.copies.iter().any(|f| f.frames() == 0);
    if let Some(e) = all().find(is_bare) {
        let copies: Vec<usize> = e.copies.iter().map(Features::frames).collect();
        return Err(Error::Data(format!(
            "every clip needs features of at least one frame in each copy, found {copies:?} frames"
        )));
    }
    let finite = |f: &&Features| f.as_slice().iter().all(|x| x.is_finite());
    if let Some(features) = all().flat_map(|e| e.copies).find(|f| !finite(f)) {
        let frames = features.frames();
        return Err(Error::Data(format!(
            "a clip of {frames} frames has values that are not finite"
        )));
    }
    Ok(())
}

fn optimizer(training: &Training, vars: &VarStore) -> Result<Optimizer> {
    let (rate, wd) = (training.learning_rate, training.weight_decay);
    let mut optimizer = match training.optimizer {
        OptimizerKind::Adam => Adam {
            wd,
            ..Adam::default()
        }
        .build(vars, rate),
        OptimizerKind::Adamw => AdamW {
            wd,
            ..AdamW::default()
        }
        .build(vars, rate),
    }?;
    optimizer.set_weight_decay_group(NO_DECAY, 0.0);
    Ok(optimizer)
}

fn class_weights(kind: ClassWeights, clips: &[Clip], labels: usize) -> Result<Option<Tensor>> {
    if kind == ClassWeights::None {
        return Ok(None);
    }
    let mut counts = vec![0_usize; labels];
    for clip in clips {
        counts[clip.stratum.class] += 1;
    }
    // Label smoothing would teach a class without clips, if it had a weight.
    let present = counts.iter().filter(|&&count| count > 0).count();
    let equal = clips.len() as f32 / present.max(1) as f32;
    let weights: Vec<f32> = counts
        .iter()
        .map(|&count| match count {
            0 => 0.0,
            _ => equal / count as f32,
        })
        .collect();
    Ok(Some(Tensor::f_from_slice(&weights)?))
}

/// Returns the figures by which epochs are compared. Higher is better; the second figure decides if the first ones are equal.
fn score(monitor: Monitor, row: &Epoch) -> (f64, f64) {
    match monitor {
        Monitor::ValidationLoss => (-row.validation_loss, 0.0),
        Monitor::ValidationAccuracy => (row.validation_accuracy, -row.validation_loss),
        Monitor::ValidationUar => (row.validation_uar, -row.validation_loss),
        Monitor::LastEpoch => (f64::from(row.epoch), 0.0),
    }
}

/// Loss and predictions of one epoch.
#[derive(Default)]
struct Tally {
    loss: f64,
    truth: Vec<usize>,
    predicted: Vec<usize>,
}

impl Tally {
    fn add(&mut self, loss: f64, predicted: &[usize], truth: impl Iterator<Item = usize>) {
        self.loss += loss * predicted.len() as f64;
        self.predicted.extend(predicted);
        self.truth.extend(truth);
    }

    /// Returns the mean loss per clip. Without clips it is NaN, as are the accuracy and the UAR.
    fn loss(&self) -> f64 {
        self.loss / self.truth.len() as f64
    }

    fn accuracy(&self) -> Result<f64> {
        self.of(accuracy)
    }

    fn uar(&self) -> Result<f64> {
        self.of(uar)
    }

    fn of(&self, figure: impl Fn(&[usize], &[usize]) -> ser_eval::Result<f64>) -> Result<f64> {
        if self.truth.is_empty() {
            return Ok(f64::NAN);
        }
        Ok(figure(&self.truth, &self.predicted)?)
    }
}

/// Returns the argmax of class scores: `[B, K] → B` class numbers.
fn classes(scores: &Tensor) -> Result<Vec<usize>> {
    let best = scores.f_argmax(1, false)?.f_to_kind(Kind::Int64)?;
    let best = Vec::<i64>::try_from(best)?;
    Ok(best.into_iter().map(|c| c as usize).collect())
}

/// Predicts the validation clips, and measures their plain cross-entropy (no label smoothing, no class weights).
fn validate(network: &TrainedNetwork, clips: &[Clip]) -> Tally {
    let (mut tally, mut scratch) = (Tally::default(), Scratch::default());
    for clip in clips {
        let p = network.predict(&clip.copies[0], &mut scratch);
        let loss = -f64::from(p[clip.stratum.class].max(f32::MIN_POSITIVE)).ln();
        tally.add(loss, &[argmax(&p)], std::iter::once(clip.stratum.class));
    }
    tally
}
