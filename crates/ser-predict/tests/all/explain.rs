//! Explanations of answers.

use std::ops::ControlFlow;

use ser_audio::conditions::Occlusion;
use ser_audio::{AudioStream, Warning, Waveform};
use ser_fixtures::voice;
use ser_predict::{Error, Kind, Predictor};

/// Returns a synthetic voice between 0.1 and 0.4 s, whose peaks are cut off at half of full scale, in faint noise.
fn clipped(seconds: f32) -> Waveform {
    let sample = |n: u32| {
        let noise = (n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5;
        let time = n as f32 / 16_000.0;
        let cycle = std::f32::consts::TAU * 150.0 * time;
        let voice: f32 = (1..12).map(|k| (k as f32 * cycle).sin() / k as f32).sum();
        let speaks = (0.1..0.4).contains(&time);
        let voice = if speaks { voice } else { 0.0 };
        (voice + 1e-3 * noise).clamp(-0.5, 0.5)
    };
    Waveform::new(
        (0..(seconds * 16_000.0) as u32).map(sample).collect(),
        16_000,
    )
}

#[test]
fn the_explained_answer_is_that_for_the_recording_with_its_warnings() {
    let predictor = Predictor::built_in().unwrap();
    let sound = clipped(0.5);
    let explained = predictor.explain(&sound, None).unwrap().answer;
    let is_clipped = |warning: &Warning| matches!(warning, Warning::Clipped { .. });
    assert!(explained.warnings.iter().any(is_clipped), "{explained:?}");
    assert_eq!(explained, predictor.answer(&sound, None).unwrap());
}

#[test]
fn the_explanation_of_a_damaged_stream_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.wav");
    let sound = clipped(0.6);
    ser_fixtures::write_wav_f32(&path, sound.sample_rate, sound.samples.clone());
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 2000]).unwrap();

    let predictor = Predictor::built_in().unwrap();
    let stream = || AudioStream::open(&path).unwrap();
    let go_on = |_| ControlFlow::Continue(());
    let (heard, explanation) = predictor.explain_stream(stream(), None, go_on).unwrap();
    assert_eq!(
        heard.samples[..],
        sound.samples[..sound.samples.len() - 500]
    );
    let answer = predictor.answer_stream(stream(), None).unwrap();
    assert_eq!(explanation.answer, answer);
    let is_damaged = |warning: &Warning| matches!(warning, Warning::Damaged(_));
    assert!(answer.warnings.iter().any(is_damaged), "{answer:?}");
}

#[test]
fn recordings_too_short_or_too_long_to_be_explained_are_refused() {
    let predictor = Predictor::built_in().unwrap();
    for (seconds, kind) in [(0.19, Kind::TooShort), (30.1, Kind::TooLong)] {
        let error = predictor.explain(&clipped(seconds), None).unwrap_err();
        assert!(matches!(error, Error::ExplainedLength { .. }), "{error}");
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains("0.2 to 30 s"), "{error}");
    }
}

#[test]
fn digital_silence_is_refused_because_it_is_no_speech() {
    let predictor = Predictor::built_in().unwrap();
    let silence = Waveform::new(vec![0.0; 16_000], 16_000);
    let error = predictor.explain(&silence, None).unwrap_err();
    assert_eq!(error.kind(), Kind::NoSpeech, "{error}");
}

#[test]
fn an_explanation_ends_when_its_caller_says_so() {
    let predictor = Predictor::built_in().unwrap();
    let mut told = Vec::new();
    let explained = predictor.explain_telling(&clipped(0.6), None, |share| {
        told.push(share);
        ControlFlow::Break(())
    });
    assert!(matches!(explained, Err(Error::Stopped)), "{explained:?}");
    assert!(told.len() == 1 && told[0] < 1.0, "{told:?}");
}

#[test]
fn a_patch_says_how_much_the_probability_drops_without_its_sound() {
    let predictor = Predictor::built_in().unwrap();
    let sound = Waveform::new(voice(16_000, 1.2, 180.0), 16_000);
    let explanation = predictor.explain(&sound, None).unwrap();
    let emotion = explanation.answer.emotion();
    let probability = |sound: &Waveform| {
        let answer = predictor.answer(sound, None).unwrap();
        answer.probabilities[emotion]
    };
    let occlusion = Occlusion::new(&sound).unwrap();
    let strongest = explanation.strongest();
    assert!(strongest[0].drop > 0.05, "{strongest:?}");
    let others = explanation.patches.iter().step_by(17);
    for patch in strongest.into_iter().chain(others) {
        let without = occlusion.without(std::slice::from_ref(&patch.region));
        let drop = probability(&sound) - probability(&without);
        assert!((patch.drop - drop).abs() < 1e-5, "{drop}: {patch:?}");
    }
}
