//! Properties that must hold for any bytes that are read as a model file.

use std::fs;
use std::path::Path;

use ser_features::Features;
use ser_predict::{Error, Model};
use tempfile::TempDir;

/// Number of frames of the clip that a model answers.
const FRAMES: usize = 3;
/// Largest number of values in a batch for which a model is run.
const SMALL: usize = 1 << 16;

thread_local! {
    /// One folder for all models, because creating it takes longer than reading a model.
    static FOLDER: TempDir = tempfile::tempdir().unwrap();
}

/// Reads a model, writes it, reads it again, and computes an answer.
///
/// # Panics
/// The reader, the writer or the prediction violates a property.
pub fn check(data: &[u8]) {
    let Ok(model) = Model::from_bytes(data, Path::new("fuzz")) else {
        return;
    };
    assert!(size_of::<u16>() * model.parameters() <= data.len());
    let written = saved(&model);
    let again = Model::from_bytes(&written, Path::new("written")).unwrap();
    assert_eq!(saved(&again), written);

    let networks = &model.networks;
    let largest = networks.iter().map(|network| {
        let info = &network.info;
        info.input.frames * info.features.coefficients()
    });
    if largest.max() > Some(SMALL) {
        return;
    }
    let clip: Vec<Features> = model
        .views()
        .iter()
        .map(|view| {
            let coefficients = view.coefficients();
            let values = (0..FRAMES * coefficients).map(|i| (i as f32).sin());
            Features::from_parts(values.collect(), FRAMES, coefficients).unwrap()
        })
        .collect();
    let speaker = model.enrol(&[&clip]).unwrap();
    for answer in [
        model.predict(&[&clip]),
        model.predict_enrolled(&[&clip], &speaker),
    ] {
        match answer {
            Ok(answers) => {
                assert_eq!((answers.len(), answers[0].len()), (1, model.labels.len()));
                assert!((answers[0].iter().sum::<f32>() - 1.0).abs() < 1e-3);
            }
            // Weights may be so large that the result is not finite.
            Err(Error::NotFinite) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Returns the bytes of the file of a model.
fn saved(model: &Model) -> Vec<u8> {
    let path = FOLDER.with(|folder| folder.path().join("model.safetensors"));
    model.save(&path).unwrap();
    fs::read(path).unwrap()
}
