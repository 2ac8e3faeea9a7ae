//! The training loop.

use std::time::Instant;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use ser_eval::{Epoch, History, accuracy, uar};
use ser_features::Features;
use tch::nn::{Adam, AdamW, Optimizer, OptimizerConfig, VarStore};
use tch::{Device, Kind, Reduction, Tensor};

use crate::batch::{Batcher, Example, Standardiser};
use crate::error::{Error, Result};
use crate::layers::NO_DECAY;
use crate::model::{LIBTORCH_VERSION, Model, Provenance, argmax};
use crate::network::classes;
use crate::recipe::{ClassWeights, Monitor, OptimizerKind, Recipe, Training};

/// What a model may see while it is made. There is no test part here, so it cannot be touched.
#[derive(Debug)]
pub struct TrainingData<'a> {
    /// Class names; a target is an index into them.
    pub labels: Vec<String>,
    /// The clips learned from.
    pub train: Vec<Example<'a>>,
    /// The clips the best epoch is chosen on.
    pub validation: Vec<Example<'a>>,
    /// Where they come from, for the model file.
    pub provenance: Provenance,
}

/// A finished training.
#[derive(Debug)]
pub struct Trained {
    /// The model with the weights of the best epoch.
    pub model: Model,
    /// Every epoch that ran, and which one was kept.
    pub history: History,
}

/// Trains one model and keeps its best epoch on the validation part.
///
/// `seed` is added to the recipe's, so that every split can have its own. The same recipe, data,
/// seed and thread count give the same weights on the same machine. Training figures of an epoch
/// are those of its batches as they were learned from (augmented, with dropout).
///
/// # Errors
/// [`Error::Data`] without training or validation clips, [`Error::Diverged`], libtorch's.
pub fn train(
    recipe: &Recipe,
    data: TrainingData,
    seed: u64,
    on_epoch: &mut dyn FnMut(&Epoch),
) -> Result<Trained> {
    let training = &recipe.training;
    check(&data, training)?;
    set_threads(training.threads);
    // One generator of our own for weights, order, crops, masks and dropout. libtorch's is shared
    // by the whole process: trainings side by side would draw from it in no fixed order.
    let mut rng = ChaCha8Rng::seed_from_u64(training.seed.wrapping_add(seed));

    let standardiser = Standardiser::fit(data.train.iter().map(|e| e.features))?;
    let vars = VarStore::new(Device::Cpu);
    let (coefficients, labels) = (standardiser.mean.len() as i64, data.labels.len() as i64);
    let network = recipe
        .network
        .build(&vars.root(), coefficients, labels, &mut rng)?;
    let mut optimizer = optimizer(training, &vars)?;
    let class_weights = class_weights(training.class_weights, &data)?;

    let mut model = Model::new(
        recipe.clone(),
        data.labels,
        standardiser,
        data.provenance,
        vars,
        network,
    );
    let mut history = History::default();
    let mut best: Option<(u32, (f64, f64), Vec<Tensor>)> = None;
    let mut order: Vec<Example> = data.train;
    let steps_per_epoch = order.len() / training.batch_size;
    let steps = steps_per_epoch * training.epochs as usize;

    for epoch in 1..=training.epochs {
        let start = Instant::now();
        order.shuffle(&mut rng);
        let mut tally = Tally::default();
        let mut learning_rate = 0.0;
        let mut batcher = Batcher::new(&recipe.input, &model.standardiser);
        // The clips that do not fill a last batch wait for another epoch's order.
        for (i, batch) in order.chunks_exact(training.batch_size).enumerate() {
            let step = (epoch as usize - 1) * steps_per_epoch + i;
            learning_rate = training
                .schedule
                .learning_rate(training.learning_rate, step, steps);
            optimizer.set_lr(learning_rate);
            let clips: Vec<&Features> = batch.iter().map(|e| e.features).collect();
            let (x, lengths) = batcher.random(&clips, &mut rng)?;
            let targets: Vec<i64> = batch.iter().map(|e| e.target as i64).collect();
            let scores = model.network.forward(&x, &lengths, Some(&mut rng))?;
            let loss = scores.f_cross_entropy_loss(
                &Tensor::f_from_slice(&targets)?,
                class_weights.as_ref(),
                Reduction::Mean,
                -100,
                training.label_smoothing,
            )?;
            optimizer.zero_grad();
            loss.f_backward()?;
            if let Some(norm) = training.gradient_clip {
                optimizer.clip_grad_norm(norm);
            }
            optimizer.step();
            tally.add(f64::try_from(&loss)?, &classes(&scores)?, batch);
        }
        if !tally.loss().is_finite() {
            return Err(Error::Diverged {
                epoch,
                loss: tally.loss(),
            });
        }

        let (validation, validation_loss) = validate(&model, &data.validation)?;
        let row = Epoch {
            epoch,
            learning_rate,
            train_loss: tally.loss(),
            train_accuracy: accuracy(&tally.truth, &tally.predicted)?,
            train_uar: uar(&tally.truth, &tally.predicted)?,
            validation_loss,
            validation_accuracy: accuracy(&validation.truth, &validation.predicted)?,
            validation_uar: uar(&validation.truth, &validation.predicted)?,
            seconds: start.elapsed().as_secs_f64(),
        };
        on_epoch(&row);
        let score = score(training.monitor, &row);
        history.epochs.push(row);
        if best.as_ref().is_none_or(|(_, highest, _)| score > *highest) {
            best = Some((epoch, score, model.copy_weights()?));
        }
        let since_best = best.as_ref().map_or(0, |(at, ..)| epoch - at);
        if training
            .patience
            .is_some_and(|patience| since_best >= patience)
        {
            break;
        }
    }

    let Some((best_epoch, _, weights)) = best else {
        return Err(Error::Data("no epoch was run".to_owned()));
    };
    model.restore_weights(&weights)?;
    history.best = Some(best_epoch);
    model.provenance.best_epoch = best_epoch;
    Ok(Trained { model, history })
}

/// Sets libtorch's threads for one operation; operations do not run side by side.
pub fn set_threads(threads: i32) {
    tch::set_num_threads(threads);
}

/// Lets the process keep the memory that a batch frees for the next one; for programs that train.
///
/// glibc returns large blocks to the system at once, and each batch gets them back as fresh pages: up
/// to a quarter of an epoch is spent on clearing those. Elsewhere than on Linux with glibc this does
/// nothing.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // The highest value that every version of glibc takes, and the size of the heaps that
        // threads have.
        const LARGEST_BLOCK: libc::c_int = 32 << 20;
        const HEAP: libc::c_int = 64 << 20;
        // SAFETY: mallopt takes plain numbers and locks the heap it changes. A thread that allocates
        // meanwhile goes by the old values or the new ones.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST_BLOCK);
            libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
            libc::mallopt(libc::M_TOP_PAD, HEAP);
        }
    }
}

/// Computes something with a known answer and names the version of libtorch.
///
/// # Errors
/// libtorch's.
pub fn check_libtorch() -> Result<String> {
    let sum = f64::try_from(Tensor::f_from_slice(&[1.0_f32, 2.0, 4.0])?.f_sum(Kind::Double)?)?;
    let state = if sum == 7.0 {
        "computes"
    } else {
        "computes wrongly"
    };
    Ok(format!("{LIBTORCH_VERSION}, {state}"))
}

fn check(data: &TrainingData, training: &Training) -> Result<()> {
    let classes = data.labels.len();
    let all = || data.train.iter().chain(&data.validation);
    if classes < 2 {
        return Err(Error::Data(format!(
            "two classes or more are needed, not {classes}"
        )));
    }
    if data.validation.is_empty() {
        return Err(Error::Data("the validation part is empty".to_owned()));
    }
    if data.train.len() < training.batch_size {
        let (clips, batch) = (data.train.len(), training.batch_size);
        return Err(Error::Data(format!(
            "{clips} training clips do not fill a batch of {batch}"
        )));
    }
    if let Some(e) = all().find(|e| e.target >= classes) {
        return Err(Error::Data(format!(
            "target {} of {classes} classes",
            e.target
        )));
    }
    if let Some(e) = all().find(|e| !e.features.as_slice().iter().all(|x| x.is_finite())) {
        let frames = e.features.frames();
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

fn class_weights(kind: ClassWeights, data: &TrainingData) -> Result<Option<Tensor>> {
    if kind == ClassWeights::None {
        return Ok(None);
    }
    let mut counts = vec![0_usize; data.labels.len()];
    for e in &data.train {
        counts[e.target] += 1;
    }
    let n = data.train.len() as f32;
    let weights: Vec<f32> = counts
        .iter()
        .map(|&c| n / (counts.len() as f32 * c.max(1) as f32))
        .collect();
    Ok(Some(Tensor::f_from_slice(&weights)?))
}

/// Higher is better; the second figure decides between equals.
fn score(monitor: Monitor, row: &Epoch) -> (f64, f64) {
    match monitor {
        Monitor::ValidationLoss => (-row.validation_loss, 0.0),
        Monitor::ValidationAccuracy => (row.validation_accuracy, -row.validation_loss),
        Monitor::ValidationUar => (row.validation_uar, -row.validation_loss),
    }
}

/// Loss and answers of one epoch.
#[derive(Default)]
struct Tally {
    loss: f64,
    truth: Vec<usize>,
    predicted: Vec<usize>,
}

impl Tally {
    fn add(&mut self, loss: f64, predicted: &[usize], batch: &[Example]) {
        self.loss += loss * batch.len() as f64;
        self.predicted.extend(predicted);
        self.truth.extend(batch.iter().map(|e| e.target));
    }

    /// Mean loss of a clip.
    fn loss(&self) -> f64 {
        self.loss / self.truth.len().max(1) as f64
    }
}

/// Answers on the validation part and their mean cross-entropy (plain: no smoothing, no weights).
fn validate(model: &Model, examples: &[Example]) -> Result<(Tally, f64)> {
    let clips: Vec<&Features> = examples.iter().map(|e| e.features).collect();
    let probabilities = model.predict(&clips)?;
    let mut tally = Tally::default();
    for (p, e) in probabilities.iter().zip(examples) {
        let loss = -f64::from(p[e.target].max(f32::MIN_POSITIVE)).ln();
        tally.add(loss, &[argmax(p)], &[*e]);
    }
    let loss = tally.loss();
    Ok((tally, loss))
}
