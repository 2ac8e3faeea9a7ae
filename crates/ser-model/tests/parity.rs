//! Tests that a network trained in libtorch gives the same answers in plain Rust as in libtorch.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use ser_features::{FeatureConfig, Features, Output};
use ser_model::{build_network, tensors};
use ser_predict::{ConvBlock, Input, Model, NetworkInfo, Provenance, Standardiser, TrainedNetwork};
use ser_recipe::{CnnConfig, LstmConfig, MlpConfig, NetworkConfig};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Largest allowed difference of a probability.
const MOST: f32 = 1e-5;
const CLASSES: usize = 4;
/// Number of networks of each architecture.
const NETWORKS: u64 = 25;

/// Draws blocks with unusual sizes, strides and pools, so that every case at the edge of a plane occurs.
fn blocks(rng: &mut ChaCha8Rng, least: usize) -> Vec<ConvBlock> {
    let block = |rng: &mut ChaCha8Rng| ConvBlock {
        channels: rng.random_range(1..=9),
        kernel: [1, 3, 5, 7][rng.random_range(0..4)],
        stride: rng.random_range(1..=3),
        pool: [rng.random_range(1..=3), rng.random_range(1..=3)],
    };
    let count = rng.random_range(least..=3);
    (0..count).map(|_| block(rng)).collect()
}

fn cnn_config(rng: &mut ChaCha8Rng) -> NetworkConfig {
    NetworkConfig::Cnn(CnnConfig {
        blocks: blocks(rng, 0),
        embedding: rng.random_range(1..=17),
        dropout: 0.5,
        block_dropout: 0.5,
    })
}

fn lstm_config(rng: &mut ChaCha8Rng) -> NetworkConfig {
    NetworkConfig::Lstm(LstmConfig {
        hidden: rng.random_range(1..=13),
        layers: rng.random_range(1..=3),
        stack: rng.random_range(1..=4),
        dropout: 0.5,
        blocks: blocks(rng, 0),
        block_dropout: 0.5,
    })
}

fn mlp_config(rng: &mut ChaCha8Rng) -> NetworkConfig {
    let count = rng.random_range(0..=3);
    NetworkConfig::Mlp(MlpConfig {
        hidden: (0..count).map(|_| rng.random_range(1..=33)).collect(),
        input_dropout: 0.5,
        dropout: 0.5,
    })
}

fn normal(rng: &mut ChaCha8Rng) -> f32 {
    StandardNormal.sample(rng)
}

/// Builds a network whose norms have statistics as after training, not the initial ones.
fn trained(
    config: &NetworkConfig,
    vars: &VarStore,
    coefficients: usize,
    rng: &mut ChaCha8Rng,
) -> Box<dyn ser_model::Network> {
    let network = build_network(
        config,
        &vars.root(),
        coefficients as i64,
        CLASSES as i64,
        rng,
    )
    .unwrap();
    for (name, mut weight) in vars.variables() {
        let n = weight.numel();
        let values: Option<Vec<f32>> = match name.rsplit('.').next().unwrap() {
            "running_mean" => Some((0..n).map(|_| 0.3 * normal(rng)).collect()),
            "running_var" => Some((0..n).map(|_| rng.random_range(0.2..2.0)).collect()),
            _ if name.contains("norm") => Some((0..n).map(|_| normal(rng)).collect()),
            _ => None,
        };
        if let Some(values) = values {
            let _guard = tch::no_grad_guard();
            weight.copy_(&Tensor::from_slice(&values).reshape(weight.size()));
        }
    }
    network
}

/// Returns a clip of at most one window as libtorch gets it: standardised, limited and padded.
fn padded(clip: &Features, standardiser: &Standardiser, frames: usize) -> Tensor {
    let coefficients = clip.coefficients();
    let mut values = vec![0.0; frames * coefficients];
    for (t, row) in values
        .chunks_mut(coefficients)
        .take(clip.frames())
        .enumerate()
    {
        standardiser.apply(clip.row(t), row);
    }
    Tensor::from_slice(&values).reshape([1, frames as i64, coefficients as i64])
}

fn hold(name: &str, config: fn(&mut ChaCha8Rng) -> NetworkConfig) {
    let mut farthest = 0.0_f32;
    for seed in 0..NETWORKS {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let (config, coefficients) = (config(rng), rng.random_range(1..=40));
        let frames = rng.random_range(1..=70);
        let vars = VarStore::new(Device::Cpu);
        let network = trained(&config, &vars, coefficients, rng);
        let mut statistic = |least: f32| -> Vec<f32> {
            (0..coefficients)
                .map(|_| least + 2.0 * rng.random::<f32>())
                .collect()
        };
        let standardiser = Standardiser {
            mean: statistic(-1.0),
            deviation: statistic(0.5),
        };
        // Every second network supports enrolment and has an average embedding, which is one of its variables.
        let centre = (seed % 2 == 1).then(|| {
            let values: Vec<f32> = (0..network.embedding())
                .map(|_| 0.1 * normal(rng))
                .collect();
            let mut centre = vars.root().zeros_no_train("centre", &[network.embedding()]);
            centre.copy_(&Tensor::from_slice(&values));
            centre
        });
        let features = FeatureConfig {
            output: Output::LogMel,
            n_mels: coefficients,
            ..FeatureConfig::default()
        };
        let info = NetworkInfo {
            weight: 1.0,
            epoch: 1,
            features,
            test_semitones: Vec::new(),
            input: Input {
                frames,
                average: 1,
                relative_level: false,
            },
            network: config.architecture(),
            shrinkage: centre.as_ref().map(|_| 2.0),
            standardiser: standardiser.clone(),
        };
        let ours = TrainedNetwork::new(info, CLASSES, tensors(&vars).unwrap()).unwrap();
        let labels = (0..CLASSES).map(|i| i.to_string()).collect();
        let model = Model::new(
            "parity",
            labels,
            vec![ours],
            Provenance::default(),
            String::new(),
        );

        // The clips have from one frame to a whole window; libtorch gets each in a batch of its own.
        let mut clip = |frames: usize| {
            let values = (0..frames * coefficients)
                .map(|_| 2.0 * normal(rng))
                .collect();
            Features::from_parts(values, frames, coefficients).unwrap()
        };
        let lengths = [
            1,
            frames.div_ceil(3),
            frames.div_ceil(2),
            frames - frames / 5,
            frames,
        ];
        let clips = lengths.map(&mut clip);
        let views: Vec<&[Features]> = clips.iter().map(std::slice::from_ref).collect();
        let speaker = model.enrol(&views[..3]).unwrap();
        let answers = model.predict_enrolled(&views, &speaker).unwrap();

        let _guard = tch::no_grad_guard();
        let embed = |clip: &Features| {
            let length = Tensor::from_slice(&[clip.frames() as i64]);
            network
                .embed(&padded(clip, &standardiser, frames), &length, None)
                .unwrap()
        };
        let offset = centre.map(|centre| {
            let known: Vec<Tensor> = clips[..3].iter().map(&embed).collect();
            let mean = Tensor::cat(&known, 0).mean_dim(0, false, Kind::Float);
            (mean - centre) * (3.0 / (3.0 + 2.0))
        });
        for (clip, answer) in clips.iter().zip(&answers) {
            let mut embedding = embed(clip);
            if let Some(offset) = &offset {
                embedding -= offset;
            }
            let scores = network.classify(embedding, None).unwrap();
            let theirs =
                Vec::<f32>::try_from(scores.softmax(1, Kind::Float).flatten(0, 1)).unwrap();
            for (a, b) in answer.iter().zip(&theirs) {
                farthest = farthest.max((a - b).abs());
                assert!(
                    (a - b).abs() <= MOST,
                    "{name} {seed}: {answer:?} {theirs:?} of {config:?}"
                );
            }
        }
    }
    eprintln!("{name}: {NETWORKS} networks, farthest {farthest:.1e}");
}

#[test]
fn the_cnn_answers_as_in_libtorch() {
    hold("cnn", cnn_config);
}

#[test]
fn the_lstm_answers_as_in_libtorch() {
    hold("lstm", lstm_config);
}

#[test]
fn the_mlp_answers_as_in_libtorch() {
    hold("mlp", mlp_config);
}
