//! Compares the networks of the built-in model alone: in plain Rust, as `ser` answers, and in libtorch, in which they were trained.

use std::hint::black_box;
use std::time::Instant;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use ser_benches::median;
use ser_features::Features;
use ser_model::{Network, build_network, set_threads, tensors};
use ser_predict::{Model, NetworkInfo, Provenance, Standardiser, TrainedNetwork};
use ser_recipe::{Experiment, Recipe};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::{Result, noise_clip, print};

/// Number of answers in a round.
const CLIPS: usize = 20;
/// Number of rounds in which the two take turns.
const ROUNDS: usize = 15;

/// A network in libtorch, and a window of the clip, which it evaluates once for each of its views.
struct Theirs {
    network: Box<dyn Network>,
    window: Tensor,
    length: Tensor,
    views: usize,
    weight: f64,
}

/// Times both on one thread, with the same sizes and the same untrained weights, on the same clip, which is one window long. libtorch
/// gets tensors that are already standardised.
pub fn compare() -> Result<()> {
    let experiment = Experiment::load("robust")?;
    let labels = experiment.task.emotions.clone();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for member in &experiment.members {
        let recipe = &member.recipe;
        let vars = VarStore::new(Device::Cpu);
        let rng = &mut ChaCha8Rng::seed_from_u64(0);
        let coefficients = recipe.features.coefficients();
        let network = build_network(
            &recipe.network,
            &vars.root(),
            coefficients as i64,
            labels.len() as i64,
            rng,
        )?;
        let info = info(recipe, member.weight);
        ours.push(TrainedNetwork::new(info, labels.len(), tensors(&vars)?)?);
        let window = recipe.input.prepare(&clip(recipe)?);
        let shape = [1, window.frames() as i64, coefficients as i64];
        theirs.push(Theirs {
            network,
            window: Tensor::from_slice(window.as_slice()).reshape(shape),
            length: Tensor::from_slice(&[window.frames() as i64]),
            views: recipe.views().len(),
            weight: member.weight,
        });
    }
    let model = Model::new("robust", labels, ours, Provenance::default(), String::new());
    let mut clip_of_views = Vec::new();
    for view in model.views() {
        let recipe = experiment.members.iter().map(|member| &member.recipe);
        let mut recipe = recipe.filter(|recipe| recipe.views().contains(view));
        clip_of_views.push(clip(recipe.next().ok_or("a view of no recipe")?)?);
    }

    let (mut rust, mut libtorch) = (Vec::new(), Vec::new());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    set_threads(1);
    let answer = || model.predict(&[&clip_of_views]);
    let (expected, actual) = (answer_of(&theirs)?, pool.install(answer)?);
    // They do not agree if one of them is no number.
    let agree = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5;
    if expected.len() != actual[0].len() || !expected.iter().zip(&actual[0]).all(agree) {
        return Err(format!("libtorch answers {expected:?}, ser {actual:?}").into());
    }
    for _ in 0..ROUNDS {
        rust.push(pool.install(|| time(|| Ok(answer()?)))?);
        libtorch.push(time(|| answer_of(&theirs))?);
    }
    let job = "networks of robust alone";
    print(job, "ser", 1, "ms/clip", median(rust));
    print(job, "libtorch", 1, "ms/clip", median(libtorch));
    Ok(())
}

fn info(recipe: &Recipe, weight: f64) -> NetworkInfo {
    let coefficients = recipe.features.coefficients();
    NetworkInfo {
        weight,
        epoch: 1,
        features: recipe.features.clone(),
        test_semitones: recipe.augmentation.test_semitones.clone(),
        input: recipe.input.clone(),
        network: recipe.network.architecture(),
        shrinkage: None,
        standardiser: Standardiser {
            mean: vec![0.0; coefficients],
            deviation: vec![1.0; coefficients],
        },
    }
}

/// Returns noise that fills the window of a recipe's network.
fn clip(recipe: &Recipe) -> Result<Features> {
    let input = &recipe.input;
    noise_clip(input.frames * input.average, recipe.features.coefficients())
}

/// Returns the weighted mean of the probabilities of all networks.
fn answer_of(networks: &[Theirs]) -> Result<Vec<f32>> {
    let _guard = tch::no_grad_guard();
    let (mut terms, mut weights) = (Vec::new(), 0.0);
    for theirs in networks {
        for _ in 0..theirs.views {
            let embedding = theirs.network.embed(&theirs.window, &theirs.length, None)?;
            let scores = theirs.network.classify(embedding, None)?;
            terms.push(scores.softmax(1, Kind::Float) * (theirs.weight / theirs.views as f64));
        }
        weights += theirs.weight;
    }
    let sum = Tensor::cat(&terms, 0).sum_dim_intlist(0, false, Kind::Float);
    Ok(Vec::try_from(sum / weights)?)
}

/// Times an answer, in milliseconds per clip.
fn time<T>(mut answer: impl FnMut() -> Result<T>) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..CLIPS {
        black_box(answer()?);
    }
    Ok(1e3 * start.elapsed().as_secs_f64() / CLIPS as f64)
}
