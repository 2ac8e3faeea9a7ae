//! An enrolment does not depend on how the recordings are given, and is read only from a regular file.

use ser_audio::{AudioStream, Waveform};
use ser_predict::{Enroller, Enrolment, Error, Model, Predictor};

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
fn adding_one_by_one_equals_enrolling_all_at_once() {
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
fn speech_embedded_by_another_model_is_refused() {
    let twice = [(); 2].map(|()| (Model::built_in().unwrap(), 1.0));
    let other = Model::ensemble("other", String::new(), twice.into()).unwrap();
    let predictor = Predictor::built_in().unwrap();
    let speech = predictor.speech(&voice(3.0, 150.0)).unwrap();
    let mut enroller = Enroller::new(&other);
    assert!(matches!(enroller.add(&speech), Err(Error::Shape { .. })));
    assert_eq!(enroller.recordings(), 0);
}

#[test]
fn a_model_without_enrolment_says_so() {
    let model = Model::built_in().unwrap();
    assert!(model.check_enrols().is_ok());
    let Model {
        labels, provenance, ..
    } = model;
    let plain = Model::new("plain", labels, Vec::new(), provenance, String::new());
    let error = plain.check_enrols().unwrap_err().to_string();
    assert_eq!(
        error,
        "plain was trained without enrolment, so a speaker makes no difference to its answers"
    );
}

#[test]
fn only_a_regular_file_is_read() {
    let model = Model::built_in().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let errors = [
        Model::load(folder.path()).unwrap_err(),
        Enrolment::load(&model, folder.path()).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::ModelFile { .. }), "{error}");
    }
}
