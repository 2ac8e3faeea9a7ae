//! Tests of the protocol: the test part decides nothing, and a call continues where an earlier one stopped.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use common::{
    SILENT, crossval, ensemble, folders, inner, inner_recipe_text, quick, quick_recipe_text,
    refusal, synthetic, tone, train,
};
use safetensors::SafeTensors;
use ser_data::Corpus;
use ser_experiment::{
    Event, Measured, Run, Setting, SplitRun, Stage, cross_validate, evaluate, fit,
    measure_conditions, results, select, train_one,
};
use ser_fixtures::{voice, write_wav_f32};
use ser_predict::{Model, Predictor};
use ser_recipe::{Experiment, Monitor, Task};
use serde_json::Value;

/// Returns everything in a model file that answers depend on.
fn learned(model: &Path) -> (BTreeMap<String, Vec<u8>>, Value) {
    let bytes = fs::read(model).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let tensors = tensors
        .iter()
        .map(|(n, t)| (n.to_owned(), t.data().to_vec()));
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let header: Value =
        serde_json::from_str(&metadata.metadata().as_ref().unwrap()["ser"]).unwrap();
    let mut model = header["model"].as_object().unwrap().clone();
    for of_origin in ["program", "name", "provenance", "recipe"] {
        model.remove(of_origin).unwrap();
    }
    (tensors.collect(), Value::Object(model))
}

/// Copies the synthetic corpus; returns the copy and its files.
fn copy_of_synthetic(folder: &Path) -> (PathBuf, Vec<PathBuf>) {
    let corpus = folder.join("copy");
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(synthetic()).sort_by_file_name() {
        let entry = entry.unwrap();
        let to = corpus.join(entry.path().strip_prefix(synthetic()).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(&to).unwrap();
        } else {
            fs::copy(entry.path(), &to).unwrap();
            files.push(to);
        }
    }
    (corpus, files)
}

/// Copies the synthetic corpus, exchanging the clips of speaker 01 so that their labels are wrong, and replacing one of them
/// with a different sound.
fn with_another_test_part(folder: &Path) -> PathBuf {
    let (corpus, mut own) = copy_of_synthetic(folder);
    own.retain(|file| file.to_string_lossy().ends_with("-01.wav"));
    for (i, to) in own.iter().enumerate() {
        let from = own[(i + 7) % own.len()].strip_prefix(&corpus).unwrap();
        fs::copy(synthetic().join(from), to).unwrap();
    }
    tone(&own[0], 500.0, 2.0);
    corpus
}

fn with_inner(experiment: &Experiment, inner: usize) -> Experiment {
    let task = Task {
        inner,
        ..experiment.task.clone()
    };
    experiment.clone().with_task(task).unwrap()
}

/// Renames a label of the corpus, which is an event whenever the corpus is read.
fn glad(experiment: &Experiment) -> Experiment {
    let mut task = experiment.task.clone();
    task.labels = [("glad".to_owned(), vec!["happy".to_owned()])].into();
    let happy = task.emotions.iter_mut().filter(|label| *label == "happy");
    happy.for_each(|label| *label = "glad".to_owned());
    experiment.clone().with_task(task).unwrap()
}

#[test]
fn another_test_part_changes_nothing_in_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let other = with_another_test_part(folder.path());
    let (plain, enrolling) = (inner("plain", false), inner("enrolling", true));
    let both = ensemble("both", &[&plain, &enrolling]);
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    crossval(&both, synthetic(), &a);
    crossval(&both, &other, &b);
    // Speaker 01 is in the test part of the first split, and in the training part of the second.
    let file = |run: &Path, split: &str| run.join(split).join("model.safetensors");
    assert!(learned(&file(&a, "fold-1")) == learned(&file(&b, "fold-1")));
    assert!(learned(&file(&a, "fold-2")) != learned(&file(&b, "fold-2")));
    let answers = |run: &Path, file: &str| fs::read(run.join("fold-1").join(file)).unwrap();
    let [test, validation] = ["predictions.csv", "validation.csv"];
    assert!(answers(&a, validation) == answers(&b, validation));
    assert!(
        answers(&a, test) != answers(&b, test),
        "the test part is another one"
    );

    // The predictions by which recipes are chosen do not change either.
    let selected = |data: &Path, out: &Path| {
        let plain = [with_inner(&plain, 1)];
        select(&plain, &folders(data, out), None, false, SILENT).unwrap();
        fs::read(out.join("plain/fold-1-inner-1.csv")).unwrap()
    };
    let (c, d) = (folder.path().join("c"), folder.path().join("d"));
    assert!(selected(synthetic(), &c) == selected(&other, &d));
}

#[test]
fn another_test_part_changes_nothing_in_the_choice_of_an_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let other = with_another_test_part(folder.path());
    let recipe = quick("early", "loso", 3).into_recipe().unwrap();
    assert_eq!(recipe.training.monitor, Monitor::ValidationLoss);
    let trained = |data: &Path, name: &str| {
        let out = folder.path().join(name);
        // Speaker 01 is in the test part of the first split.
        train_one(&recipe, 1, &folders(data, &out), SILENT).unwrap();
        out
    };
    let (a, b) = (trained(synthetic(), "a"), trained(&other, "b"));
    let both = |file: &str| [&a, &b].map(|run| fs::read(run.join(file)).unwrap());
    let [one, another] = [&a, &b].map(|run| learned(&run.join("model.safetensors")));
    assert!(one == another);
    let [one, another] = both("validation.csv");
    assert!(one == another);
    let [one, another] = both("predictions.csv");
    assert!(one != another, "the test part is another one");
}

#[test]
fn two_runs_write_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    train(&quick("quick", "seed5", 2), &a);
    train(&quick("quick", "seed5", 2), &b);
    for file in [
        "model.safetensors",
        "metrics.json",
        "predictions.csv",
        "split.csv",
        "run.json",
        "recipe.toml",
    ] {
        assert!(
            fs::read(a.join(file)).unwrap() == fs::read(b.join(file)).unwrap(),
            "{file}"
        );
    }
}

#[test]
fn a_small_network_learns_the_synthetic_emotions_and_an_untrained_one_fails() {
    let folder = tempfile::tempdir().unwrap();
    let uar = |name: &str, epochs| {
        let finished = train(&quick(name, "seed5", epochs), &folder.path().join(name));
        finished.evaluation.metrics.uar
    };
    let (trained, untrained) = (uar("trained", 25), uar("untrained", 1));
    assert!(trained > 0.5, "chance is 0.2, trained {trained}");
    assert!(
        untrained < 0.45 && untrained < trained,
        "one epoch {untrained}"
    );
}

#[test]
fn an_ensemble_is_measured_plain_and_enrolled_and_held_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, enrolling) = (inner("plain", false), inner("enrolling", true));
    let both = ensemble("both", &[&plain, &enrolling]);
    let out = folder.path().join("run");
    let finished = crossval(&both, synthetic(), &out);
    let settings: Vec<Setting> = finished.run.test.iter().map(|(at, _)| at).collect();
    for setting in [
        Setting::Plain,
        Setting::Enrolled(2),
        Setting::Enrolled(15),
        Setting::EnrolledAll,
    ] {
        assert!(settings.contains(&setting), "{settings:?}");
    }
    for file in [
        "validation.csv",
        "validation-enrolled-15.csv",
        "predictions.csv",
        "predictions-enrolled-2.csv",
        "predictions-enrolled-all.csv",
        "training.json",
        "model.safetensors",
    ] {
        assert!(out.join("fold-1").join(file).is_file(), "{file}");
    }
    // The recipes were never files, so the folder does not need any.
    assert_eq!(Run::read(&out).unwrap().experiment, both);
    // With a fixed schedule there is no epoch to choose, so all clips except the test part are training clips.
    for run in [&out, &out.join("members/plain")] {
        let parts = fs::read_to_string(run.join("fold-1/split.csv")).unwrap();
        assert!(parts.contains(",train") && !parts.contains(",validation"));
    }
    // With enrolment, only the member that supports it answers.
    let answers = |run: &Path| fs::read(run.join("fold-1/validation-enrolled-15.csv")).unwrap();
    assert_eq!(answers(&out), answers(&out.join("members/enrolling")));

    let page = results(&[finished.run]).unwrap();
    for part in [
        "## both loso",
        "SYNTHETIC",
        "15 clips enrolled",
        "calibration error",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

#[test]
fn members_leave_out_the_same_clips_before_any_of_them_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _) = copy_of_synthetic(folder.path());
    let short = data.join("Actor_01/03-01-05-01-01-01-01.wav");
    tone(&short, 500.0, 0.04);
    // An octave faster, the short clip does not fill a frame.
    let recipe = |name: &str, semitones: f64| {
        let text = inner_recipe_text(name, false);
        let text = text.replace("n_mels = 32", "n_mels = 32\n        center = false");
        let text = text.replace("semitones = [2.0]", &format!("semitones = [{semitones:?}]"));
        with_inner(&Experiment::parse(&text, name).unwrap(), 2)
    };
    let (a, b) = (recipe("a", 2.0), recipe("b", 12.0));
    let both = ensemble("both", &[&a, &b]);
    let out = folder.path().join("run");
    let finished = crossval(&both, &data, &out);
    let skipped: Vec<&Path> = finished.skipped.iter().map(|s| s.path.as_path()).collect();
    assert_eq!(skipped, [short]);
    for number in 1..=4 {
        let split = |run: &str| {
            let path = out.join(run).join(format!("fold-{number}/split.csv"));
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        assert_eq!(split(""), split("members/a"));
        assert_eq!(split(""), split("members/b"));
    }

    let out = folder.path().join("selection");
    // Nothing is trained again: the clips of `a` alone are those of the ensemble.
    let selected = || {
        let experiments = [a.clone(), both.clone()];
        let found = select(&experiments, &folders(&data, &out), None, false, SILENT).unwrap();
        assert!(found.iter().all(|row| row.skipped == finished.skipped));
        let written = fs::metadata(out.join("a/fold-1-inner-1.csv")).unwrap();
        written.modified().unwrap()
    };
    assert_eq!(selected(), selected());
    let out = folder.path().join("fit");
    let fitted = fit(&both, &folders(&data, &out), None, SILENT).unwrap();
    assert_eq!(fitted.skipped, finished.skipped);
}

#[test]
fn members_leave_out_a_clip_of_which_a_condition_leaves_too_little() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _) = copy_of_synthetic(folder.path());
    // Two seconds of hum with 25 ms of a tone. Over the telephone the tone alone is left, which is too short for derivatives.
    let hum = data.join("Actor_01/03-01-05-01-01-01-01.wav");
    let sample = |n: u32| {
        let phase = n as f32 / 22_050.0 * std::f32::consts::TAU;
        let tone = if (20_000..20_551).contains(&n) {
            4000.0
        } else {
            0.0
        };
        ((phase * 60.0).sin() * 8000.0 + (phase * 1000.0).sin() * tone) as i16
    };
    ser_fixtures::write_wav(&hum, 22_050, (0..44_100).map(sample));
    let recipe = |name: &str, conditions: &str| {
        let text = inner_recipe_text(name, false);
        let text = text.replace("n_mels = 32", "n_mels = 32\n        deltas = 1");
        let text = text.replace("relative_level = true", "relative_level = false");
        let with = format!("[augmentation]\nconditions = [{conditions}]");
        let text = text.replace("[augmentation]", &with);
        Experiment::parse(&text, name).unwrap()
    };
    let telephone = "\"telephone\"";
    for (number, [a, b]) in [[telephone, telephone], ["", telephone]].iter().enumerate() {
        let both = ensemble("both", &[&recipe("a", a), &recipe("b", b)]);
        let out = folder.path().join(format!("run-{number}"));
        let trainings = Mutex::new(0);
        let on_event = |event: Event| {
            if let Event::Started {
                stage: Stage::Split(_),
                ..
            } = event
            {
                *trainings.lock().unwrap() += 1;
            }
        };
        let crossval = || cross_validate(&both, &folders(&data, &out), None, &on_event).unwrap();
        let finished = crossval();
        let skipped: Vec<&Path> = finished.skipped.iter().map(|s| s.path.as_path()).collect();
        assert_eq!(skipped, [hum.as_path()]);
        let checksum = |run: &str| {
            let run = SplitRun::read(&out.join(run).join("fold-1")).unwrap();
            run.unwrap().info.checksum
        };
        assert_eq!(checksum(""), checksum("members/a"));
        assert_eq!(checksum(""), checksum("members/b"));
        // Four folds of two members, which the same call keeps.
        crossval();
        assert_eq!(*trainings.lock().unwrap(), 8);
    }
}

#[test]
fn a_folder_of_an_earlier_program_is_read_or_refused_with_the_way_on() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let both = ensemble("both", &[&quick("a", "loso", 1), &quick("b", "loso", 1)]);
    crossval(&both, synthetic(), &out);
    // Earlier versions wrote the names of the recipes of an ensemble, and the path if the recipe was a file.
    let recipe = folder.path().join("mine.toml");
    let written = quick("mine", "loso", 1).to_toml().unwrap();
    fs::write(&recipe, written).unwrap();
    let named = format!(
        "name = \"both\"\ndescription = \"d\"\n\
         members = [{{ recipe = \"folds-a-cnn\" }}, {{ recipe = {recipe:?} }}]\n\
         [task]\nprotocol = \"loso\"\n"
    );
    for split in 1..=4 {
        fs::write(out.join(format!("fold-{split}/recipe.toml")), &named).unwrap();
    }
    let read = Run::read(&out).unwrap().experiment;
    assert_eq!(read.members[1].recipe.name, "mine");
    fs::remove_file(&recipe).unwrap();
    let message = refusal(Run::read(&out));
    assert!(
        message.contains("mine.toml") && message.contains("repeat the command that wrote it"),
        "{message}"
    );
    fs::write(out.join("fold-1/run.json"), "{}").unwrap();
    let message = refusal(SplitRun::read(&out.join("fold-1")));
    assert!(message.contains("repeat the command"), "{message}");
}

#[test]
fn selection_compares_recipes_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (inner("a", false), inner("b", true));
    let both = ensemble("both", &[&a, &b]);
    let out = folder.path().join("selection");
    let experiments = [&a, &b, &both].map(|e| glad(&with_inner(e, 1)));
    let reads = Mutex::new(0);
    let on_event = |event: Event| {
        if let Event::Renamed(_) = event {
            *reads.lock().unwrap() += 1;
        }
    };
    let figures = || {
        let rows = select(
            &experiments,
            &folders(synthetic(), &out),
            None,
            false,
            &on_event,
        );
        let rows = rows.unwrap();
        let figures = rows.into_iter().map(|row| (row.name, row.figures));
        figures.collect::<Vec<_>>()
    };
    let first = figures();
    assert_eq!(first.len(), 3);
    // All experiments have the same clips, which are read once.
    assert_eq!(*reads.lock().unwrap(), 1);
    fs::remove_file(out.join("a/fold-2-inner-1.csv")).unwrap();
    assert_eq!(first, figures());

    // A recipe that chooses its epoch on the clips that it would be measured on is refused before any recipe is
    // trained, even if it is not the first one.
    let early = quick("early", "loso", 1);
    let new = folder.path().join("new");
    let both = [with_inner(&a, 1), with_inner(&early, 1)];
    let refused = select(&both, &folders(synthetic(), &new), None, false, SILENT);
    let message = refusal(refused);
    assert!(message.contains("last-epoch"), "{message}");
    assert!(!new.exists());
    // A folder with the name of a recipe that holds other files is not changed.
    let mine = folder.path().join("mine");
    let thesis = mine.join("b/thesis.txt");
    fs::create_dir_all(thesis.parent().unwrap()).unwrap();
    fs::write(&thesis, "years of work").unwrap();
    let refused = select(&[b], &folders(synthetic(), &mine), None, false, SILENT);
    let message = refusal(refused);
    assert!(message.contains("something else"), "{message}");
    assert!(thesis.is_file());
}

#[test]
fn conditions_are_measured_on_a_run_and_become_a_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    crossval(&inner("plain", false), synthetic(), &out);
    let measured = || measure_conditions(&out, &[synthetic().into()], None, SILENT).unwrap();
    let Measured {
        figures, synthetic, ..
    } = measured();
    assert!(synthetic);
    let uar = |name: &str| {
        let found = figures.iter().find(|found| found.condition == name);
        found.unwrap().figures.uar.mean
    };
    // The recipe subtracts the mean level, so a gain changes nothing.
    for gain in ["gain -20", "gain 20", "peak"] {
        assert_eq!(uar(gain), uar("clean"), "{gain}");
    }
    let telephone = out.join("fold-1/predictions-condition-telephone.csv");
    assert!(telephone.is_file());
    assert_eq!(figures, measured().figures);
    let page = || results(&[Run::read(&out).unwrap()]).unwrap();
    assert!(page().contains("| room large |"));
    // A condition that was measured on some splits only is not reported.
    fs::remove_file(out.join("fold-2/predictions-condition-room_large.csv")).unwrap();
    let part = page();
    assert!(!part.contains("| room large |"), "{part}");
    assert!(part.contains("| room small |"), "{part}");
}

#[test]
fn long_clips_are_learned_and_tested_by_the_pieces_that_a_model_answers() {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = "path,emotion,speaker\n".to_owned();
    for speaker in 0..3 {
        // Every recording has a piece that sounds like those of the other emotion.
        for (emotion, pitches) in [
            ("sad", [120.0, 130.0, 270.0]),
            ("happy", [260.0, 140.0, 280.0]),
        ] {
            let name = format!("{emotion}-{speaker}.wav");
            let samples = pitches.map(|pitch| voice(16_000, 8.0, pitch + 5.0 * f64::from(speaker)));
            write_wav_f32(&folder.path().join(&name), 16_000, samples.concat());
            manifest += &format!("{name},{emotion},speaker-{speaker}\n");
        }
    }
    let data = folder.path().join("long.csv");
    fs::write(&data, manifest).unwrap();
    let out = folder.path().join("run");
    let recipe = inner_recipe_text("long", true).replace("epochs = 2", "epochs = 20");
    let experiment = Experiment::parse(&recipe, "long").unwrap();
    let finished = crossval(&experiment, &data, &out);
    let plain = finished.run.test.plain();
    assert_eq!(plain.rows().len(), 6);
    let enrolled = finished.run.test.get(Setting::EnrolledAll).unwrap();
    assert_eq!(enrolled.rows().len(), 6);
    let distance = |a: &[f32], b: &[f32]| {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    for row in plain.rows() {
        let model = out.join(&row.split).join("model.safetensors");
        let predictor = Predictor::new(Model::load(&model).unwrap()).unwrap();
        let wav = folder.path().join(format!("{}.wav", row.clip));
        let sound = ser_audio::read(&wav).unwrap();
        let answer = predictor.answer(&sound, None).unwrap().probabilities;
        // The model answers restored sound.
        let far = distance(&row.probabilities, &answer);
        assert!(far < 1e-3, "{}: {far}", row.clip);
        let pieces = predictor.pieces(&sound).unwrap();
        let pieces: Vec<_> = pieces.iter().map(|(features, _)| &features[..]).collect();
        let of_pieces = predictor.model().predict(&pieces).unwrap();
        let apart = of_pieces.iter().map(|piece| distance(piece, &answer));
        assert!(apart.fold(0.0, f32::max) > 0.05, "the pieces are alike");
    }
    // A run of an earlier program, which divided no clip, is not kept.
    let info = out.join("fold-1/run.json");
    let divided = fs::read_to_string(&info).unwrap();
    fs::write(&info, divided.replace("\"divided\": 6", "\"divided\": 0")).unwrap();
    let measured = measure_conditions(&out, &[data.as_path().into()], None, SILENT);
    let error = refusal(measured);
    assert!(
        error.contains("0 clips were learned by their pieces"),
        "{error}"
    );
    fs::write(&info, divided).unwrap();
    // The level has no effect on these features, which are of pieces under a condition as well.
    measure_conditions(&out, &[data.as_path().into()], None, SILENT).unwrap();
    let run = Run::read(&out).unwrap();
    let quieter = Setting::Condition("gain -20".parse().unwrap());
    let quieter = run.test.get(quieter).unwrap();
    for (plain, quieter) in plain.rows().iter().zip(quieter.rows()) {
        let far = distance(&plain.probabilities, &quieter.probabilities);
        assert!(far < 1e-3, "{}: {far}", plain.clip);
    }
}

#[test]
fn a_model_to_be_used_is_fitted_to_all_clips() {
    let folder = tempfile::tempdir().unwrap();
    let both = ensemble("both", &[&inner("plain", false), &inner("enrolling", true)]);
    let both = with_inner(&both, 2);
    let out = folder.path().join("fit");
    let fitted = || fit(&both, &folders(synthetic(), &out), None, SILENT).unwrap();
    let first = fitted();
    assert_eq!(first.validation.folds.len(), 2);
    assert!(first.synthetic);
    let (_, header) = learned(&first.model);
    assert_ne!(header["temperature"], 1.0, "a temperature was fitted");
    assert_eq!(
        header["networks"].as_array().unwrap().len(),
        2,
        "two networks"
    );
    // Finished files are kept, and a missing member is trained again with the same result.
    let bytes = fs::read(&first.model).unwrap();
    fs::remove_file(out.join("plain/model.safetensors")).unwrap();
    assert_eq!(first.validation, fitted().validation);
    assert!(bytes == fs::read(&first.model).unwrap());
    // No clip is left to measure the model on.
    let model = Predictor::new(Model::load(&first.model).unwrap()).unwrap();
    let message = refusal(evaluate(&model, &[synthetic().into()], &[], SILENT));
    assert!(message.contains("nothing to measure"), "{message}");
}

#[test]
fn evaluation_leaves_out_what_the_model_was_made_from() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let trained = train(&quick("quick", "seed5", 1), &out);
    let model = Model::load(&out.join("model.safetensors")).unwrap();
    let model = Predictor::new(model).unwrap();
    let whole = evaluate(&model, &[synthetic().into()], &[], SILENT).unwrap();
    // The clips that it was not made from are the test part, so the figures are the same.
    assert_eq!(whole.evaluation.metrics, trained.evaluation.metrics);

    // With training clips only, there is nothing to measure.
    let split = fs::read_to_string(out.join("split.csv")).unwrap();
    let seen = folder.path().join("seen");
    fs::create_dir(&seen).unwrap();
    for line in split.lines().filter(|line| line.ends_with("train")) {
        let name = line.split(',').next().unwrap();
        let actor = &name[name.len() - 2..];
        let file = format!("{name}.wav");
        fs::copy(
            synthetic().join(format!("Actor_{actor}")).join(&file),
            seen.join(&file),
        )
        .unwrap();
    }
    let message = refusal(evaluate(&model, &[seen.as_path().into()], &[], SILENT));
    assert!(message.contains("nothing to measure"), "{message}");
}

#[test]
fn other_clips_of_the_speakers_of_a_random_split_are_not_called_new_voices() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    train(&quick("quick", "seed5", 1), &run);
    let model = Model::load(&run.join("model.safetensors")).unwrap();
    let corpus = Corpus::load(synthetic()).unwrap().corpus;
    let unseen = corpus.filter(|i| {
        let content = &corpus.clips()[i].content;
        !model.provenance.content.contains(content)
    });
    let manifest = folder.path().join("unseen.csv");
    unseen.write_manifest(&manifest).unwrap();
    let out = folder.path().join("evaluation");
    let predictor = Predictor::new(model).unwrap();
    let found = evaluate(&predictor, &[manifest.as_path().into()], &[], SILENT).unwrap();
    assert_eq!((found.left_out, found.namesakes.len()), (0, 4));
    found.write(predictor.model(), &out).unwrap();
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("random split") && !page.contains("speaker-disjoint</span>"));
    assert!(page.contains("4 of its speakers have names that speakers of the training clips"));
    // The clips are those of the manifest, not of the split that the model was trained on.
    assert!(
        found
            .answers
            .plain()
            .rows()
            .iter()
            .all(|row| row.split == "unseen")
    );
}

#[test]
fn a_recipe_does_without_the_emotions_of_ravdess_that_a_corpus_lacks_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = Corpus::load(synthetic()).unwrap().corpus;
    let without = corpus.filter(|i| corpus.clips()[i].emotion != "calm");
    let manifest = folder.path().join("without.csv");
    without.write_manifest(&manifest).unwrap();
    let absent = Mutex::new(Vec::new());
    let on_event = |event: Event| {
        if let Event::Absent(emotions) = event {
            absent.lock().unwrap().extend_from_slice(emotions);
        }
    };
    let out = folder.path().join("run");
    let train = |recipe: &str| {
        let experiment = Experiment::parse(recipe, "recipe").unwrap();
        let recipe = experiment.into_recipe().unwrap();
        train_one(&recipe, 1, &folders(&manifest, &out), &on_event)
    };
    let recipe = quick_recipe_text("quick", "seed5", 1);
    train(&recipe).unwrap();
    assert_eq!(*absent.lock().unwrap(), ["calm"]);
    let model = Model::load(&out.join("model.safetensors")).unwrap();
    assert_eq!(model.labels, ["neutral", "happy", "sad", "angry"]);

    let message = refusal(train(&recipe.replace("\"happy\"", "\"hapy\"")));
    assert!(
        message.starts_with("no clip is labelled `hapy`"),
        "{message}"
    );
}
