//! Properties that must hold for any bytes that are read as a recipe.

use ser_features::FeatureExtractor;
use ser_recipe::Experiment;

/// Reads an experiment, writes it, and reads it again; then plans its features.
///
/// # Panics
/// The parser or the writer violates a property.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(experiment) = Experiment::parse(text, "fuzz") else {
        return;
    };
    let written = experiment.to_toml().unwrap();
    assert_eq!(Experiment::parse(&written, "written").unwrap(), experiment);
    for member in &experiment.members {
        let features = &member.recipe.features;
        if features.n_fft <= 4096 && features.n_mels <= 256 {
            FeatureExtractor::new(features).unwrap();
        }
    }
}
