//! What must hold for the networks of any recipe that was read.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use ser_model::build_network;
use ser_recipe::{Experiment, Recipe};
use tch::{Device, nn::VarStore};

/// Networks up to this many trained values are built, 256 KiB of them.
const SMALL: u64 = 1 << 16;

/// Builds the networks of an experiment.
///
/// # Panics
/// Where a network is not as large as its sizes say.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(experiment) = Experiment::parse(text, "fuzz") else {
        return;
    };
    for member in &experiment.members {
        build(&member.recipe);
    }
}

/// A checked recipe asks for no more than the limits that are checked, which are to be right.
fn build(recipe: &Recipe) {
    let (coefficients, classes) = (recipe.features.coefficients(), 3);
    let network = recipe.network.architecture();
    let parameters = network.parameters(coefficients, classes);
    assert!(parameters <= 1 << 27);
    if parameters <= SMALL {
        let vars = VarStore::new(Device::Cpu);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        build_network(
            &recipe.network,
            &vars.root(),
            coefficients as i64,
            classes as i64,
            &mut rng,
        )
        .unwrap();
        let built = vars.trainable_variables();
        let built: usize = built.iter().map(|variable| variable.numel()).sum();
        assert_eq!(built as u64, parameters);
    }
}
