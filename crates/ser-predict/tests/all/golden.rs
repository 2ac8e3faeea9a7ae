//! The built-in model gives the same answers as on the machine where it was trained, right after that.

use std::path::Path;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_audio::{AudioStream, Channels, restored};
use ser_predict::{Predictor, argmax};

/// Largest allowed difference of a probability, since processors round differently.
const MOST: f32 = 1e-4;

/// Reads file names, relative to a folder, and the probabilities of their former answers.
fn golden(name: &str) -> Vec<(String, Vec<f32>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut csv = csv::Reader::from_path(folder.join(name)).unwrap();
    let rows = csv.records().map(|row| {
        let row = row.unwrap();
        let probabilities = row.iter().skip(1).map(|p| p.parse().unwrap());
        (row[0].to_owned(), probabilities.collect())
    });
    rows.collect()
}

/// Compares the probabilities that `answer` gives for files with the former ones.
fn hold(folder: &Path, name: &str, answer: impl Fn(&Predictor, &Path) -> Vec<f32> + Sync) {
    let predictor = Predictor::built_in().unwrap();
    let rows = golden(name);
    let farthest = rows.par_iter().map(|(file, before)| {
        let now = answer(&predictor, &folder.join(file));
        assert_eq!(argmax(&now), argmax(before), "{file}");
        let pairs = now.iter().zip(before);
        let differs = pairs.map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
        assert!(differs <= MOST, "{file}: {differs}");
        differs
    });
    let farthest = farthest.reduce(|| 0.0, f32::max);
    eprintln!("{name}: {} files, farthest {farthest:.2e}", rows.len());
}

#[test]
fn every_format_is_answered_as_before() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    hold(&crates, "fixtures.csv", |predictor, file| {
        predictor.answer_file(file, None).unwrap().probabilities
    });
}

#[test]
fn every_fifth_clip_of_ravdess_is_answered_as_before() {
    let Some(corpus) = ser_fixtures::ravdess() else {
        return;
    };
    // A few clips have so much speech that a predictor answers them by its pieces.
    hold(&corpus, "ravdess.csv", |predictor, file| {
        let stream = AudioStream::open(file).unwrap();
        let sound = stream.with(Channels::Compared).unwrap().read_to_end();
        let features = predictor.features(&restored(&sound.unwrap())).unwrap();
        let answers = predictor.model().predict(&[&features[..]]);
        answers.unwrap().remove(0)
    });
}
