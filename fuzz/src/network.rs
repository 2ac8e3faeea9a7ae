//! Properties that must hold for the networks of any recipe that can be read.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use ser_model::build_network;
use ser_recipe::{Experiment, Recipe};
use tch::{Device, nn::VarStore};

/// Largest number of parameters of a network that is built: 256 KiB of them.
const SMALL: u64 = 1 << 16;

/// Builds the networks of an experiment.
///
/// # Panics
/// A network is larger or smaller than its sizes say.
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

/// Checks that the network of a valid recipe is within the limits, and has the predicted number of parameters.
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
