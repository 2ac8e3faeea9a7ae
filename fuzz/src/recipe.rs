//! What must hold for any bytes that are taken for a recipe.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use ser_features::FeatureExtractor;
use ser_model::{Experiment, Recipe};
use tch::{Device, nn::VarStore};

/// Networks up to this many trained values are built, 256 KiB of them.
const SMALL: u64 = 1 << 16;

/// Reads an experiment, writes it and reads it again; builds its network and plans its features.
///
/// # Panics
/// Where parser or writer break a promise.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(experiment) = Experiment::parse(text, "fuzz") else {
        return;
    };
    let written = experiment.to_toml().unwrap();
    assert_eq!(Experiment::parse(&written, "written").unwrap(), experiment);
    if let Experiment::Recipe(recipe) = &experiment {
        build(recipe);
    }
}

/// A checked recipe asks for no more than the limits that are checked, which are to be right.
fn build(recipe: &Recipe) {
    let features = &recipe.features;
    let (coefficients, classes) = (features.coefficients() as i64, 3);
    let parameters = recipe.network.parameters(coefficients, classes);
    assert!(parameters <= 1 << 27);
    if parameters <= SMALL {
        let vars = VarStore::new(Device::Cpu);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        recipe
            .network
            .build(&vars.root(), coefficients, classes, &mut rng)
            .unwrap();
        let built = vars.trainable_variables();
        let built: usize = built.iter().map(|variable| variable.numel()).sum();
        assert_eq!(built as u64, parameters);
    }
    if features.n_fft <= 4096 && features.n_mels <= 256 {
        FeatureExtractor::new(features).unwrap();
    }
}
