//! Tests of `ser explain`, also of whether the answer rests on the patches that it marks.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use ser_audio::conditions::{Occlusion, Region};
use ser_predict::{Patch, Predictor};
use serde_json::Value;

use crate::common::{MODEL, complaint, output, ser, synthetic, tone};

/// Number of random choices of patches that the marked ones are compared with.
const DRAWS: u64 = 5;

/// Returns how much probability the answer loses without the most important tenth of the patches, and how much on average
/// without as many other patches, chosen from those that hold any sound.
fn lost(predictor: &Predictor, file: &Path) -> (f32, f32) {
    let clip = ser_audio::read(file).unwrap();
    let explanation = predictor.explain(&clip, None).unwrap();
    let emotion = explanation.answer.emotion();
    let occlusion = Occlusion::new(&clip).unwrap();
    let without = |patches: &[Patch]| {
        let regions: Vec<Region> = patches.iter().map(|patch| patch.region.clone()).collect();
        let left = occlusion.without(&regions);
        let answer = predictor.answer(&left, None).unwrap();
        explanation.answer.probabilities[emotion] - answer.probabilities[emotion]
    };
    let mut marked = explanation.patches.clone();
    marked.sort_by(|a, b| b.drop.total_cmp(&a.drop));
    let mut others = marked.split_off(marked.len() / 10);
    others.retain(|patch| patch.drop != 0.0);
    let mut elsewhere = 0.0;
    for draw in 0..DRAWS {
        others.shuffle(&mut ChaCha8Rng::seed_from_u64(draw));
        elsewhere += without(&others[..marked.len().min(others.len())]) / DRAWS as f32;
    }
    let marked = without(&marked);
    eprintln!("{}: {marked:.3} against {elsewhere:.3}", file.display());
    (marked, elsewhere)
}

/// Asserts that the marked patches lose more than others for each clip, and more than twice as much on average.
fn the_marked_patches_count(files: &[PathBuf]) {
    let predictor = Predictor::built_in().unwrap();
    let (mut marked, mut elsewhere) = (0.0, 0.0);
    for file in files {
        let (here, there) = lost(&predictor, file);
        assert!(here > there, "{}: {here} {there}", file.display());
        marked += here;
        elsewhere += there;
    }
    assert!(marked > 2.0 * elsewhere, "{marked} {elsewhere}");
}

#[test]
fn without_the_marked_tenth_a_clip_loses_more_than_without_another() {
    match ser_fixtures::ravdess() {
        Some(folder) => {
            let names = [
                "Actor_03/03-01-05-02-01-01-03.wav",
                "Actor_20/03-01-07-02-01-02-20.wav",
            ];
            the_marked_patches_count(&names.map(|name| folder.join(name)));
        }
        None => {
            the_marked_patches_count(&[synthetic().join("Actor_01/03-01-05-02-01-01-01.wav")]);
        }
    }
}

#[test]
fn two_calls_write_the_same_picture_and_say_what_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    // One second of speech is enough, because it is explained three times.
    let whole = synthetic().join("Actor_01/03-01-05-02-01-01-01.wav");
    let whole = ser_audio::read(&whole).unwrap();
    let second = whole.sample_rate as usize;
    let middle = whole.samples.len().saturating_sub(second) / 2;
    let clip = folder.path().join("03-01-05-02-01-01-01.wav");
    let samples = whole.samples.into_iter().skip(middle).take(second);
    ser_fixtures::write_wav_f32(&clip, whole.sample_rate, samples);
    let call = |name: &str| -> (String, Value) {
        let out = folder.path().join(name);
        let line = output(
            0,
            &[
                &"explain", &"--json", &"--model", &MODEL, &clip, &"--out", &out,
            ],
        );
        let picture = std::fs::read_to_string(out).unwrap();
        (picture, serde_json::from_str(&line).unwrap())
    };
    let (first, answer) = call("a.svg");
    let (second, again) = call("b.svg");
    assert_eq!(first, second);
    assert_eq!(answer["regions"], again["regions"]);
    assert!(first.len() < 400_000, "{} bytes", first.len());

    let predicted: Value = serde_json::from_str(&output(
        0,
        &[&"predict", &"--json", &"--model", &MODEL, &clip],
    ))
    .unwrap();
    assert_eq!(answer["emotion"], predicted["emotion"]);
    let emotion = answer["emotion"].as_str().unwrap();
    let difference = answer["probability"].as_f64().unwrap()
        - predicted["probabilities"][emotion].as_f64().unwrap();
    assert!(difference.abs() < 1e-5, "{difference}");
    assert!(first.contains(emotion) && first.contains("03-01-05-02-01-01-01.wav"));

    // The default name for a pipe is one that no command takes for an option.
    let piped = ser()
        .args(["explain", "--model", "built-in", "-"])
        .current_dir(&folder)
        .write_stdin(fs::read(&clip).unwrap())
        .assert()
        .code(0);
    let text = String::from_utf8(piped.get_output().stdout.clone()).unwrap();
    assert!(folder.path().join("recording-explained.svg").is_file());
    let regions = answer["regions"].as_array().unwrap();
    let lines = text.lines().filter(|line| line.contains("points for"));
    assert_eq!(lines.count(), regions.len(), "{text}");
    assert!(
        text.contains(emotion) && text.contains("recording-explained.svg"),
        "{text}"
    );
    // The remarks are those of the answer.
    assert_eq!(answer["warnings"], predicted["warnings"]);
    for remark in answer["warnings"].as_array().unwrap() {
        let remark = remark.as_str().unwrap();
        assert!(text.contains(&format!("\n{remark}: ")), "{remark}: {text}");
    }
}

#[test]
fn a_picture_is_svg_by_name_as_well() {
    let said = |out: &str| {
        let call: [&dyn AsRef<OsStr>; 6] = [
            &"explain",
            &"--model",
            &MODEL,
            &"no-such.wav",
            &"--out",
            &out,
        ];
        complaint(1, &call)
    };
    let (png, svg) = (said("x.png"), said("x.SVG"));
    assert!(png.contains("must end in .svg"), "{png}");
    assert!(svg.contains("no-such.wav"), "{svg}");
}

#[test]
fn too_short_too_long_and_silent_recordings_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, hertz, seconds, reason) in [
        ("short.wav", 440.0, 0.1, "0.2 to 30 s"),
        ("long.wav", 440.0, 31.0, "ser timeline"),
        ("silent.wav", 0.0, 1.0, "no speech"),
    ] {
        let path = folder.path().join(name);
        tone(&path, hertz, seconds);
        let message = complaint(1, &[&"explain", &"--model", &MODEL, &path]);
        assert!(
            message.contains(name) && message.contains(reason),
            "{message}"
        );
    }
}
