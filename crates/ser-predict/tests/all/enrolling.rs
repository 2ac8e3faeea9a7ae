//! An enrolment does not depend on how the recordings are given.

use ser_audio::{AudioStream, Waveform};
use ser_predict::{Enroller, Error, Model, Predictor};

const RATE: u32 = 16_000;

/// Returns a synthetic voice that repeats "Ah" at this pitch in Hz, with pauses.
fn voice(seconds: f32, pitch: f32) -> Waveform {
    let sample = |n: u32| {
        let time = n as f32 / RATE as f32;
        let buzz: f32 = (1..20_u16)
            .map(|k| (std::f32::consts::TAU * pitch * f32::from(k) * time).sin() / f32::from(k))
            .sum();
        buzz * (std::f32::consts::PI * 0.8 * time).sin().max(0.0) / 8.0
    };
    let samples = (0..(seconds * RATE as f32) as u32).map(sample);
    // Round to the values that a 16-bit file can represent.
    let rounded = samples.map(|x| (x * 32_768.0).round() / 32_768.0);
    Waveform::new(rounded.collect(), RATE)
}

#[test]
fn a_stream_is_heard_as_the_whole_recording_is() {
    let predictor = Predictor::built_in().unwrap();
    for (seconds, is_clip) in [(2.0, true), (4.0, true), (6.0, false), (90.0, false)] {
        let sound = voice(seconds, 150.0);
        let samples = sound.samples.iter().map(|x| (x * 32_768.0) as i16);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wav");
        ser_fixtures::write_wav(&file, RATE, samples);
        let stream = AudioStream::open(&file).unwrap();
        let streamed = predictor.speech_stream(stream).unwrap();
        let whole = predictor.speech(&sound).unwrap();
        assert_eq!(streamed.seconds(), whole.seconds());
        let [streamed, whole] = [streamed, whole].map(|speech| predictor.enrol(&[speech]).unwrap());
        assert_eq!(streamed, whole);
        assert_eq!(whole.clips() == 1, is_clip);
    }
}

#[test]
fn what_was_added_is_counted_and_order_is_all_that_matters() {
    let predictor = Predictor::built_in().unwrap();
    let sounds = [voice(3.0, 120.0), voice(20.0, 160.0), voice(2.0, 240.0)];
    let speech = sounds.map(|sound| predictor.speech(&sound).unwrap());
    let mut enroller = Enroller::new(predictor.model());
    speech.iter().for_each(|one| enroller.add(one).unwrap());
    assert_eq!(enroller.recordings(), 3);
    let seconds = speech.iter().map(|one| one.seconds()).sum::<f64>();
    assert!((enroller.seconds() - seconds).abs() < 1e-9);
    assert_eq!(enroller.finish(), predictor.enrol(&speech).unwrap());
}

#[test]
fn what_another_model_heard_is_refused() {
    let twice = [(); 2].map(|()| (Model::built_in().unwrap(), 1.0));
    let other = Model::ensemble("other", String::new(), twice.into()).unwrap();
    let predictor = Predictor::built_in().unwrap();
    let speech = predictor.speech(&voice(3.0, 150.0)).unwrap();
    let mut enroller = Enroller::new(&other);
    assert!(matches!(enroller.add(&speech), Err(Error::Shape { .. })));
    assert_eq!(enroller.recordings(), 0);
}
