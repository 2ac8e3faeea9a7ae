//! Tests of `ser fit --from`, which fine-tunes the built-in model on labelled clips.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{complaint, output, synthetic};

/// Writes a manifest of the clips of these actors of a synthetic corpus, with the emotions that are listed and their names.
fn manifest(
    corpus: &Path,
    folder: &Path,
    name: &str,
    actors: &[u8],
    emotions: &[(&str, &str)],
) -> PathBuf {
    let mut text = "path,emotion,speaker\n".to_owned();
    for actor in actors {
        let clips = corpus.join(format!("Actor_{actor:02}"));
        let clips = fs::read_dir(clips)
            .unwrap()
            .map(|clip| clip.unwrap().path());
        let mut clips: Vec<PathBuf> = clips.collect();
        clips.sort_unstable();
        for clip in clips {
            let code = clip.file_stem().unwrap().to_str().unwrap()[6..8].to_owned();
            if let Some((_, emotion)) = emotions.iter().find(|(known, _)| *known == code) {
                text += &format!("{},{emotion},actor-{actor}\n", clip.display());
            }
        }
    }
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

const THREE: [(&str, &str); 3] = [("03", "happy"), ("04", "sad"), ("05", "angry")];

fn fit<'a>(
    data: &'a impl AsRef<OsStr>,
    out: &'a impl AsRef<OsStr>,
    more: &[&'a dyn AsRef<OsStr>],
) -> Vec<&'a dyn AsRef<OsStr>> {
    let call: [&dyn AsRef<OsStr>; 7] = [
        &"fit",
        &"--from",
        &"built-in",
        &"--data",
        data,
        &"--out",
        out,
    ];
    [&call[..], more].concat()
}

fn uar(figures: &Value) -> f64 {
    figures["uar"].as_f64().unwrap()
}

#[test]
fn a_fine_tuned_model_answers_other_speakers_better_and_its_own_clips_measure_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // One speaker more or less is luck, so that five others are asked.
    let corpus = folder.join("corpus");
    output(0, &[&"synth", &corpus, &"--actors", &"8"]);
    let mine = manifest(&corpus, folder, "mine.csv", &[1, 2, 3], &THREE);
    let others = manifest(&corpus, folder, "others.csv", &[4, 5, 6, 7, 8], &THREE);
    let out = folder.join("out");
    let three = "neutral,happy,sad,angry";
    let text = output(0, &fit(&mine, &out, &[&"--labels", &three]));
    for part in [
        "recall before",
        "of 3 speakers, by cross-validation in which a model answers speakers",
        "no clip has neutral",
        "gain in UAR: +",
        "SYNTHETIC",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let model = out.join("model.safetensors");
    let measured = |model: Option<&PathBuf>, data: &PathBuf| -> Value {
        let mut call: Vec<&dyn AsRef<OsStr>> = vec![&"evaluate", &"--json", &"--data", data];
        if let Some(model) = model {
            call.extend([&"--model" as &dyn AsRef<OsStr>, model]);
        }
        serde_json::from_str(&output(0, &call)).unwrap()
    };
    let [before, after] = [None, Some(&model)].map(|model| measured(model, &others));
    let [before, after] = [before, after].map(|found| uar(&found["metrics"]));
    assert!(after > before + 0.05, "{before} {after}");
    let said = complaint(1, &[&"evaluate", &"--model", &model, &"--data", &mine]);
    assert!(said.contains("nothing to measure"), "{said}");
    // The folder is not empty, so the call is refused and the model in it stays.
    let first = fs::read(&model).unwrap();
    let said = complaint(1, &fit(&mine, &out, &[]));
    assert!(said.contains("holds something else"), "{said}");
    assert!(first == fs::read(&model).unwrap());
}

#[test]
fn a_model_of_some_labels_answers_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let mine = manifest(synthetic(), folder.path(), "mine.csv", &[1, 2], &THREE);
    let out = folder.path().join("out");
    let line = output(
        3,
        &fit(&mine, &out, &[&"--labels", &"sad,happy", &"--json"]),
    );
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["absent"], Value::Array(Vec::new()));
    assert_eq!(line["speakers"], 2);
    assert_eq!(line["left_out"], 0);
    assert_eq!(line["synthetic"], true);
    let classes = |when: &str| line[when]["classes"].as_array().unwrap().clone();
    let both = classes("before").into_iter().zip(classes("after"));
    let fell = both.filter(|(before, after)| {
        after["recall"].as_f64().unwrap() < before["recall"].as_f64().unwrap()
    });
    let fell: Vec<Value> = fell.map(|(before, _)| before["label"].clone()).collect();
    assert_eq!(line["worse"], Value::Array(fell));
    let (model, clip) = (
        out.join("model.safetensors"),
        synthetic().join("Actor_01/03-01-01-01-01-01-01.wav"),
    );
    let answer = output(0, &[&"predict", &"--model", &model, &clip, &"--json"]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let labels: Vec<&String> = answer["probabilities"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(labels, ["happy", "sad"]);
}

#[test]
fn a_model_that_became_worse_is_written_only_if_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    // If the labels are the model's own predictions, no other model can be better.
    let labels: [&dyn AsRef<OsStr>; 2] = [&"--labels", &"happy,sad,angry"];
    let actors = [1, 2].map(|actor| synthetic().join(format!("Actor_{actor:02}")));
    let mut text = "path,emotion,speaker\n".to_owned();
    for actor in &actors {
        let call: [&dyn AsRef<OsStr>; 3] = [&"predict", actor, &"--json"];
        let answers = output(0, &[&call[..], &labels].concat());
        for answer in answers.lines().take(20) {
            let answer: Value = serde_json::from_str(answer).unwrap();
            let [file, emotion] = ["file", "emotion"].map(|key| answer[key].as_str().unwrap());
            text += &format!("{file},{emotion},{}\n", actor.display());
        }
    }
    let (mine, out) = (folder.path().join("mine.csv"), folder.path().join("out"));
    fs::write(&mine, text).unwrap();
    let said = complaint(1, &fit(&mine, &out, &labels));
    assert!(
        said.contains("worse on such clips") && said.contains("--even-if-worse"),
        "{said}"
    );
    assert!(!out.exists());
    let text = output(
        0,
        &fit(&mine, &out, &[&labels[..], &[&"--even-if-worse"]].concat()),
    );
    assert!(
        text.contains("recognised better before fine-tuning"),
        "{text}"
    );
    assert!(out.join("model.safetensors").is_file());
}

#[test]
fn too_few_clips_and_clips_of_one_emotion_are_refused_with_what_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let happy = manifest(
        synthetic(),
        folder.path(),
        "happy.csv",
        &[1, 2, 3, 4],
        &THREE[..1],
    );
    let few = folder.path().join("few.csv");
    let all = fs::read_to_string(manifest(
        synthetic(),
        folder.path(),
        "all.csv",
        &[1],
        &THREE,
    ))
    .unwrap();
    fs::write(&few, all.lines().take(8).collect::<Vec<_>>().join("\n")).unwrap();
    for data in [&happy, &few] {
        let out = folder.path().join("out");
        let said = complaint(1, &fit(data, &out, &[]));
        assert!(
            said.contains(
                "expected 10 to 2000 clips of at least two emotions, at least two clips of each"
            ),
            "{said}"
        );
        assert!(!out.exists());
    }
}

#[test]
fn a_recipe_and_a_model_exclude_each_other_and_one_of_them_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("x.csv"), folder.path().join("out"));
    let both: [&dyn AsRef<OsStr>; 2] = [&"--recipe", &"mlp"];
    assert!(complaint(2, &fit(&data, &out, &both)).contains("cannot be used with"));
    let neither = complaint(2, &[&"fit", &"--data", &data, &"--out", &out]);
    assert!(neither.contains("--recipe"), "{neither}");
}
