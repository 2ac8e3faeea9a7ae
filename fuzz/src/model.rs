//! What must hold for any bytes that are taken for a model file.

use std::fs;
use std::path::Path;

use ser_features::Features;
use ser_predict::{Error, Model};
use tempfile::TempDir;

/// Frames of the clip that a model is asked about.
const FRAMES: usize = 3;
/// Values of a batch up to which a model is asked.
const SMALL: usize = 1 << 16;

thread_local! {
    /// One for all models: making it takes longer than reading one.
    static FOLDER: TempDir = tempfile::tempdir().unwrap();
}

/// Reads a model, writes it and reads it again, and asks for an answer.
///
/// # Panics
/// Where reader, writer or prediction break a promise.
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
            // Weights may be so large that nothing comes out.
            Err(Error::NotFinite { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// The bytes of a model's file.
fn saved(model: &Model) -> Vec<u8> {
    let path = FOLDER.with(|folder| folder.path().join("model.safetensors"));
    model.save(&path).unwrap();
    fs::read(path).unwrap()
}
