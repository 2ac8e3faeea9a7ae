//! Tests the evaluation and the fine-tuning of a finished model on a corpus, which need no libtorch.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use ser_data::synth::{SynthConfig, generate};
use ser_eval::Predictions;
use ser_experiment::{Setting, evaluate, fine_tune};
use ser_predict::{Enroller, LONG, Model, Predictor};
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
    let rate = first.spec().sample_rate;
    let samples: Vec<i16> = first.into_samples().map(Result::unwrap).collect();
    let times = (LONG * f64::from(rate) / samples.len() as f64) as usize + 1;
    ser_fixtures::write_wav(&long, rate, samples.repeat(times));
    let files: [PathBuf; 2] = [long, clips.next().unwrap()];
    let manifest = folder.path().join("manifest.csv");
    let row = |file: &PathBuf| format!("{},happy,anna\n", file.display());
    let rows: String = files.iter().map(row).collect();
    fs::write(&manifest, format!("path,emotion,speaker\n{rows}")).unwrap();

    let predictor = Predictor::built_in().unwrap();
    let evaluated = evaluate(&predictor, &[manifest.as_path().into()], &[], &|_| {}).unwrap();
    for (row, &i) in evaluated.answers.plain().rows().iter().zip(&evaluated.part) {
        let path = &evaluated.corpus.clips()[i].path;
        let answer = predictor.answer_file(path, None).unwrap();
        assert_eq!(row.probabilities, answer.probabilities, "{}", row.clip);
        assert_eq!(answer.long, row.clip.contains("long"), "{}", row.clip);
    }
    assert_eq!(evaluated.part.len(), 2);
}

#[test]
fn the_clips_of_a_speaker_are_answered_as_with_the_speaker_enrolled() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = folder.path().join("corpus");
    let config = SynthConfig {
        actors: 2,
        ..SynthConfig::default()
    };
    generate(&corpus, &config, |_| {}).unwrap();
    let labels = ["happy", "sad"];
    let predictor = Predictor::built_in()
        .unwrap()
        .restricted_to(&labels)
        .unwrap();
    let places = 2..4;
    assert_eq!(predictor.model().labels[places.clone()], labels);
    let evaluated = evaluate(&predictor, &[corpus.as_path().into()], &[], &|_| {}).unwrap();
    let clips = evaluated.corpus.clips();
    let all = evaluated.answers.get(Setting::EnrolledAll).unwrap();
    let known = evaluated.answers.get(Setting::Collection).unwrap();
    for speaker in evaluated.corpus.speakers() {
        let own = evaluated.part.iter().map(|&i| &clips[i]);
        let own: Vec<_> = own.filter(|clip| clip.speaker == speaker).collect();
        let mut enroller = Enroller::new(predictor.model());
        for clip in &own {
            let speech = predictor.speech(&clip.read().unwrap()).unwrap();
            enroller.add(&speech).unwrap();
        }
        let enrolled = enroller.finish();
        for clip in &own {
            let sound = clip.read().unwrap();
            let answer = predictor.answer(&sound, Some(&enrolled)).unwrap();
            let found = |of: &Predictions| {
                let row = of.rows().iter().find(|row| row.clip == clip.name);
                row.unwrap().probabilities.clone()
            };
            let [all, known] = [all, known].map(found);
            // The pieces of clips are added up in another order.
            assert_eq!(all.len(), labels.len());
            let pairs = all.iter().zip(&answer.probabilities[places.clone()]);
            let differs = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(differs < 1e-6, "{}: {differs}", clip.name);
            assert_ne!(all, known, "{}", clip.name);
        }
    }
    let emotions: BTreeSet<&str> = evaluated.part.iter().map(|&i| &*clips[i].emotion).collect();
    assert_eq!(emotions, labels.into());
}

#[test]
fn fine_tuning_needs_clips_that_can_be_divided_for_a_cross_validation() {
    let folder = tempfile::tempdir().unwrap();
    let [wav, manifest, out] =
        ["long.wav", "manifest.csv", "out"].map(|name| folder.path().join(name));
    let sample = |i: u32| ((f64::from(i) * f64::from(i) * 1e-5).sin() * 9000.0) as i16;
    ser_fixtures::write_wav(&wav, 16_000, (0..12 * 8_000).map(sample));
    // Twelve clips of half a second, one after the other in one file.
    let tuned = |of: &dyn Fn(u32) -> (&'static str, &'static str)| {
        let row = |i: u32| {
            let ((emotion, speaker), start) = (of(i), f64::from(i) / 2.0);
            format!("long.wav,{emotion},{speaker},{start},{}\n", start + 0.5)
        };
        let rows: String = (0..12).map(row).collect();
        fs::write(&manifest, format!("path,emotion,speaker,start,end\n{rows}")).unwrap();
        let model = Model::built_in().unwrap();
        fine_tune(model, &[], &[manifest.as_path().into()], &out, &|_| {})
    };
    let emotion = |i: u32| if i.is_multiple_of(2) { "happy" } else { "sad" };
    let message = tuned(&|i| (emotion(i), "anna")).unwrap_err().to_string();
    assert!(
        message.ends_with("all of one speaker and one recording"),
        "{message}"
    );
    let single = |i: u32| if i == 7 { "calm" } else { emotion(i) };
    let message = tuned(&|i| (single(i), "anna")).unwrap_err().to_string();
    assert!(message.contains("a single one of calm"), "{message}");

    // The model was trained on other speakers with these names.
    let known = Model::built_in().unwrap().provenance.speakers;
    assert!(known.contains(&"02".to_owned()));
    let tuned = tuned(&|i| (emotion(i), if i < 6 { "02" } else { "01" })).unwrap();
    assert_eq!(tuned.speakers, 2);
    assert_eq!(tuned.model.provenance.speakers, known);
}
