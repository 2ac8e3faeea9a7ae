//! An exported model gives the same probabilities in onnxruntime as in `ser_predict`. `SER_PYTHON` names a Python with
//! the packages onnxruntime and numpy; without it the test is skipped.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::path::Path;
use std::process::Command;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ser_audio::Waveform;
use ser_features::{FeatureConfig, Features, Output, write_npy};
use ser_predict::{
    Architecture, CnnConfig, ConvBlock, Error, Input, LstmConfig, MlpConfig, Model, NetworkInfo,
    Predictor, Provenance, Standardiser, Tensor, Tensors, TrainedNetwork,
};

/// Largest allowed difference of a probability. The runtimes add the same terms in different orders, and the weights
/// are large.
const MOST: f32 = 1e-4;
const CLASSES: usize = 4;
/// Number of models with random networks.
const MODELS: u64 = 40;

/// Returns random blocks of uneven sizes, strides and pools, so that every edge of a plane is covered.
fn blocks(rng: &mut ChaCha8Rng) -> Vec<ConvBlock> {
    let block = |rng: &mut ChaCha8Rng| ConvBlock {
        channels: rng.random_range(1..=9),
        kernel: [1, 3, 5, 7][rng.random_range(0..4)],
        stride: rng.random_range(1..=3),
        pool: [rng.random_range(1..=3), rng.random_range(1..=3)],
    };
    let count = rng.random_range(0..=3);
    (0..count).map(|_| block(rng)).collect()
}

fn architecture(rng: &mut ChaCha8Rng) -> Architecture {
    match rng.random_range(0..3) {
        0 => Architecture::Cnn(CnnConfig {
            blocks: blocks(rng),
            embedding: rng.random_range(1..=17),
        }),
        1 => Architecture::Lstm(LstmConfig {
            hidden: rng.random_range(1..=13),
            layers: rng.random_range(1..=3),
            stack: rng.random_range(1..=4),
            blocks: blocks(rng),
        }),
        _ => Architecture::Mlp(MlpConfig {
            hidden: (0..rng.random_range(0..=3))
                .map(|_| rng.random_range(1..=33))
                .collect(),
        }),
    }
}

fn values(rng: &mut ChaCha8Rng, count: usize, least: f32, most: f32) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(least..most)).collect()
}

/// Returns a network with random weights. The errors of its constructor name the missing weights one after the other.
fn network(rng: &mut ChaCha8Rng, features: FeatureConfig) -> TrainedNetwork {
    let coefficients = features.n_mels;
    let info = NetworkInfo {
        weight: rng.random_range(0.5..2.0),
        epoch: 1,
        features,
        test_semitones: (0..rng.random_range(0..=2)).map(f64::from).collect(),
        input: Input {
            frames: rng.random_range(1..=70),
            average: rng.random_range(1..=3),
            relative_level: rng.random(),
        },
        network: architecture(rng),
        shrinkage: None,
        standardiser: Standardiser {
            mean: values(rng, coefficients, -1.0, 1.0),
            deviation: values(rng, coefficients, 0.5, 2.0),
        },
    };
    let mut tensors = Tensors::new();
    loop {
        let (tensor, expected) = match TrainedNetwork::new(info.clone(), CLASSES, tensors.clone()) {
            Ok(network) => return network,
            Err(Error::Weights {
                tensor, expected, ..
            }) => (tensor, expected),
            Err(error) => panic!("{error}"),
        };
        // The first error for a tensor says that it is missing, and the second one which shape it must have.
        let shape: Vec<usize> = match expected.strip_prefix('[') {
            Some(sizes) => sizes
                .trim_end_matches(']')
                .split(", ")
                .map(|n| n.parse().unwrap())
                .collect(),
            None => Vec::new(),
        };
        let least = if tensor.ends_with("running_var") {
            0.2
        } else {
            -0.7
        };
        let values = values(rng, shape.iter().product(), least, 1.0);
        tensors.insert(tensor, Tensor { shape, values });
    }
}

fn model(rng: &mut ChaCha8Rng) -> Model {
    let count = rng.random_range(1..=3);
    let networks = (0..count).map(|_| {
        let features = FeatureConfig {
            output: Output::LogMel,
            n_mels: rng.random_range(1..=40),
            ..FeatureConfig::default()
        };
        network(rng, features)
    });
    let networks = networks.collect();
    let labels = (0..CLASSES).map(|i| i.to_string()).collect();
    let mut model = Model::new(
        "random",
        labels,
        networks,
        Provenance::default(),
        String::new(),
    );
    model.temperature = rng.random_range(0.3..3.0);
    model
}

/// Returns random clips of lengths between one frame and several windows of every network.
fn clips(rng: &mut ChaCha8Rng, model: &Model) -> Vec<Vec<Features>> {
    let clip = |frames: usize| {
        let view = |view: &&FeatureConfig| {
            let data = values(rng, frames * view.n_mels, -4.0, 4.0);
            Features::from_parts(data, frames, view.n_mels).unwrap()
        };
        model.views().iter().map(view).collect()
    };
    [1, 2, 13, 50, 71, 333].into_iter().map(clip).collect()
}

/// Writes the files of a case, and returns the expected probabilities of its clips.
fn write(folder: &Path, name: &str, model: &Model, clips: &[Vec<Features>]) -> Vec<Vec<f32>> {
    std::fs::write(
        folder.join(format!("{name}.onnx")),
        ser_onnx::export(model).unwrap(),
    )
    .unwrap();
    for (number, clip) in clips.iter().enumerate() {
        let folder = folder.join(name).join(format!("{number:02}"));
        std::fs::create_dir_all(&folder).unwrap();
        for (view, features) in clip.iter().enumerate() {
            write_npy(folder.join(format!("features_{view}.npy")), features).unwrap();
        }
    }
    let clips: Vec<&[Features]> = clips.iter().map(Vec::as_slice).collect();
    model.predict(&clips).unwrap()
}

#[test]
fn exported_models_answer_in_onnxruntime_as_here() {
    let Some(python) = std::env::var_os("SER_PYTHON") else {
        eprintln!("skipped: SER_PYTHON names no Python with onnxruntime");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    let predictor = Predictor::built_in().unwrap();
    let voices = [0.3, 3.2, 12.0].map(|seconds| {
        let voice = ser_fixtures::voice(48_000, seconds, 180.0);
        predictor.features(&Waveform::new(voice, 48_000)).unwrap()
    });
    expected.extend(write(folder.path(), "built-in", predictor.model(), &voices));
    for seed in 0..MODELS {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let model = model(rng);
        let clips = clips(rng, &model);
        expected.extend(write(folder.path(), &format!("{seed:02}"), &model, &clips));
    }
    // The script processes the models in the order of their names, so the built-in model comes last.
    expected.rotate_left(voices.len());

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run.py");
    let output = Command::new(python)
        .arg(script)
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let found: Vec<Vec<f32>> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(found.len(), expected.len(), "{said}");
    let mut farthest = 0.0_f32;
    for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{number}");
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < MOST, "{number}: {found:?} {expected:?}");
            farthest = farthest.max((a - b).abs());
        }
    }
    eprintln!("{} answers, at most {farthest:.1e} apart", found.len());
}
