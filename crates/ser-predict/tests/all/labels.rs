//! Answers that are restricted to some of the labels.

use ser_audio::Waveform;
use ser_predict::{Error, Predictor};

fn sound(seconds: u32) -> Waveform {
    let pitch = |t: f32| 150.0 * t + 20.0 * (3.0 * t).sin();
    let sample = |n: u32| {
        let t = n as f32 / 16_000.0;
        let harmonics =
            (1..12).map(|k| (std::f32::consts::TAU * k as f32 * pitch(t)).sin() / k as f32);
        0.1 * (2.0 * t).sin().max(0.0) * harmonics.sum::<f32>()
    };
    Waveform::new((0..seconds * 16_000).map(sample).collect(), 16_000)
}

#[test]
fn allowed_labels_sum_to_one_and_keep_their_ratios() {
    let all = Predictor::built_in().unwrap();
    let two = all.restricted_to(&["happy", "sad"]).unwrap();
    assert!(two.allowed().eq(["happy", "sad"]));
    assert!(all.allowed().eq(all.model().labels.iter()));
    let number = |label| all.model().labels.iter().position(|l| l == label).unwrap();
    let (happy, sad) = (number("happy"), number("sad"));
    for seconds in [3, 40] {
        let sound = sound(seconds);
        let before = all.answer(&sound, None).unwrap();
        let after = two.answer(&sound, None).unwrap();
        let p = &after.probabilities;
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((p[happy] + p[sad] - 1.0).abs() < 1e-6);
        assert!([happy, sad].contains(&after.emotion()));
        if !before.long {
            let before = &before.probabilities;
            let share = before[happy] / (before[happy] + before[sad]);
            assert!((p[happy] - share).abs() < 1e-6);
        }
    }
    // A second restriction replaces the first.
    let others = two.restricted_to(&["sad", "angry"]).unwrap();
    assert!(others.allowed().eq(["sad", "angry"]));
}

#[test]
fn labels_that_the_model_does_not_know_are_refused_and_so_are_fewer_than_two() {
    let all = Predictor::built_in().unwrap();
    for (labels, found) in [
        (&["sad", "glad"][..], "\"glad\""),
        (&["sad", "sad"], "only 1 of them; give two or more"),
        (&[], "only 0 of them; give two or more"),
    ] {
        let error = all.restricted_to(labels).unwrap_err();
        assert!(matches!(error, Error::Labels { .. }));
        let text = error.to_string();
        let begins = "labels: expected some of neutral, calm,";
        assert!(text.starts_with(begins) && text.ends_with(found), "{text}");
    }
}
