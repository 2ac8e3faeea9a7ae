//! Tests the evaluation of a finished model on a corpus, without training.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use ser_data::synth::{SynthConfig, generate};
use ser_experiment::evaluate;
use ser_predict::{LONG, Predictor};
use walkdir::WalkDir;

#[test]
fn a_long_clip_is_answered_as_predict_answers_it() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = folder.path().join("corpus");
    let config = SynthConfig {
        actors: 1,
        ..SynthConfig::default()
    };
    generate(&corpus, &config, |_| {}).unwrap();
    let clips = WalkDir::new(&corpus).sort_by_file_name().into_iter();
    let clips = clips.map(|entry| entry.unwrap().into_path());
    let mut clips = clips.filter(|path| path.extension().is_some_and(|end| end == "wav"));

    let long = folder.path().join("long.wav");
    let first = hound::WavReader::open(clips.next().unwrap()).unwrap();
    let mut writer = hound::WavWriter::create(&long, first.spec()).unwrap();
    let samples: Vec<i16> = first.into_samples().map(Result::unwrap).collect();
    let rate = f64::from(writer.spec().sample_rate);
    while f64::from(writer.duration()) <= LONG * rate {
        samples
            .iter()
            .for_each(|&s| writer.write_sample(s).unwrap());
    }
    writer.finalize().unwrap();
    let files: [PathBuf; 2] = [long, clips.next().unwrap()];
    let manifest = folder.path().join("manifest.csv");
    let row = |file: &PathBuf| format!("{},happy,anna\n", file.display());
    let rows: String = files.iter().map(row).collect();
    fs::write(&manifest, format!("path,emotion,speaker\n{rows}")).unwrap();

    let predictor = Predictor::built_in().unwrap();
    let evaluated = evaluate(&predictor, &[manifest.as_path().into()], &[], &|_| {}).unwrap();
    for (row, &i) in evaluated.predictions.rows().iter().zip(&evaluated.part) {
        let path = &evaluated.corpus.clips()[i].path;
        let answer = predictor.answer_file(path, None).unwrap();
        assert_eq!(row.probabilities, answer.probabilities, "{}", row.clip);
        assert_eq!(answer.long, row.clip.contains("long"), "{}", row.clip);
    }
    assert_eq!(evaluated.part.len(), 2);
}
