//! Tests the measurements of the quality of a recording.

use ser_audio::Waveform;
use ser_audio::conditions::Condition;
use ser_audio::{Quality, Warning, restored};

use crate::signals::{Random, louder, speech};

fn good() -> Waveform {
    speech(48_000, 4.0, &[(1.0, 3.0)])
}

fn under(condition: &str) -> Waveform {
    let condition: Condition = condition.parse().unwrap();
    condition.apply(&good(), 7).unwrap()
}

fn sixteen_bits(waveform: &Waveform) -> Waveform {
    let samples = waveform
        .samples
        .iter()
        .map(|x| (x * 32_768.0).round() / 32_768.0);
    Waveform::new(samples.collect(), waveform.sample_rate)
}

fn words(waveform: &Waveform) -> Vec<&'static str> {
    let warnings = Quality::of(waveform).warnings();
    warnings.iter().map(Warning::word).collect()
}

#[test]
fn a_good_recording_has_no_warning() {
    assert_eq!(words(&good()), [""; 0]);
    for rate in [16_000, 22_050, 44_100] {
        assert_eq!(
            words(&speech(rate, 4.0, &[(1.0, 3.0)])),
            [""; 0],
            "{rate} Hz"
        );
    }
}

#[test]
fn every_fault_has_its_warning_and_no_other() {
    for (waveform, word) in [
        (under("telephone"), "narrowband"),
        (under("lowpass-8k"), "narrowband"),
        (speech(8000, 4.0, &[(1.0, 3.0)]), "narrowband"),
        (under("noise-white 10"), "noisy"),
        (under("noise-babble 10"), "noisy"),
        (sixteen_bits(&louder(&good(), 0.004)), "very-quiet"),
        (speech(48_000, 4.0, &[(1.0, 1.26)]), "too-short"),
        (speech(48_000, 4.0, &[]), "no-speech"),
        (louder(&good(), 0.0), "no-speech"),
        (Waveform::new(Vec::new(), 48_000), "no-speech"),
    ] {
        assert_eq!(words(&waveform), [word]);
    }
    let mut clipped = louder(&good(), 4.0);
    for x in &mut clipped.samples {
        *x = x.clamp(-0.5, 0.5);
    }
    assert_eq!(words(&clipped), ["clipped"]);
}

#[test]
fn what_was_removed_hides_neither_steps_nor_flat_tops() {
    let words = |recorded: &Waveform| {
        let restored = restored(recorded);
        assert!(restored.samples != recorded.samples);
        let warnings = Quality::of_restored(&restored, recorded).warnings();
        warnings.iter().map(Warning::word).collect::<Vec<_>>()
    };
    let mut quiet = louder(&good(), 0.004);
    quiet.samples.iter_mut().for_each(|x| *x += 3.0 / 32_768.0);
    assert_eq!(words(&sixteen_bits(&quiet)), ["very-quiet"]);
    let mut clipped = louder(&good(), 4.0);
    let hum = |n: usize| 0.01 * (n as f32 * 50.0 / 48_000.0 * std::f32::consts::TAU).sin();
    for (n, x) in clipped.samples.iter_mut().enumerate() {
        *x = (*x + hum(n)).clamp(-0.5, 0.5);
    }
    assert_eq!(words(&clipped), ["clipped"]);
}

#[test]
fn a_quiet_recording_in_floating_point_has_no_warning() {
    assert_eq!(words(&louder(&good(), 0.004)), [""; 0]);
}

#[test]
fn a_telephone_in_noise_is_still_a_telephone() {
    let noise: Condition = "noise-white 20".parse().unwrap();
    let waveform = noise.apply(&under("telephone"), 3).unwrap();
    assert_eq!(words(&waveform), ["narrowband"]);
}

#[test]
fn light_noise_and_rooms_have_no_warning() {
    for condition in ["noise-white 20", "noise-babble 20", "room small", "gain 12"] {
        assert_eq!(words(&under(condition)), [""; 0], "{condition}");
    }
}

#[test]
fn the_ratio_is_that_of_the_noise_that_was_added() {
    for (condition, snr) in [
        ("noise-white 20", 20.0),
        ("noise-white 10", 10.0),
        ("noise-white 5", 5.0),
    ] {
        let measured = Quality::of(&under(condition)).snr_db;
        assert!((measured - snr).abs() < 2.0, "{condition}: {measured}");
    }
}

#[test]
fn the_figures_of_a_tone_are_what_they_must_be() {
    // Half a second of silence, a second of a tone with amplitude 0.5, half a second of silence.
    let tone = |n: usize| {
        if (8000..24_000).contains(&n) {
            (0.5 * (n as f64 * 0.4).sin()) as f32
        } else {
            0.0
        }
    };
    let quality = Quality::of(&Waveform::new((0..32_000).map(tone).collect(), 16_000));
    assert_eq!(quality.seconds, 2.0);
    assert!((quality.peak - 0.5).abs() < 1e-3, "{quality:?}");
    // Frames at the ends of the segment are partly silent.
    assert!(
        (quality.level_db - 20.0 * (0.5f64 / 2f64.sqrt()).log10()).abs() < 1.0,
        "{quality:?}"
    );
    assert_eq!(quality.clipped, 0.0);
    let hertz = 0.4 * 16_000.0 / std::f64::consts::TAU;
    assert!(
        (hertz..hertz + 300.0).contains(&quality.bandwidth_hz),
        "{quality:?}"
    );
    assert_eq!(quality.snr_db, 100.0);
    assert!((1.1..1.25).contains(&quality.speech_seconds), "{quality:?}");
}

#[test]
fn the_share_of_flat_tops_is_counted_on_both_sides() {
    let mut random = Random::new(3);
    let mut samples: Vec<f32> = (0..1000).map(|_| (0.3 * random.number()) as f32).collect();
    samples[100..110].fill(0.8);
    samples[500..505].fill(-0.8);
    // Two in a row are no flat top.
    samples[700..702].fill(0.8);
    let quality = Quality::of(&Waveform::new(samples, 16_000));
    assert_eq!(quality.clipped, 15.0 / 1000.0);
}

#[test]
fn every_figure_is_finite() {
    for samples in [
        vec![],
        vec![0.0; 10],
        vec![0.3],
        vec![1.0; 20_000],
        good().samples,
    ] {
        for rate in [0, 1, 100, 8000, 768_000] {
            let quality = Quality::of(&Waveform::new(samples.clone(), rate));
            let json = serde_json::to_string(&quality).unwrap();
            assert!(!json.contains("null"), "{json}");
        }
    }
}

#[test]
fn warnings_are_sentences_for_people_and_words_for_machines() {
    for (warning, sentence, word) in [
        (Warning::NoSpeech, "no speech was found", "no-speech"),
        (
            Warning::TooShort { seconds: 0.312 },
            "too short: 0.31 s of speech",
            "too-short",
        ),
        (
            Warning::VeryQuiet { level_db: -64.2 },
            "very quiet: the speech has a level of -64 dBFS",
            "very-quiet",
        ),
        (
            Warning::Clipped { share: 0.031 },
            "clipped: 3.10 % of the samples are cut off at the peak",
            "clipped",
        ),
        (
            Warning::Narrowband {
                bandwidth_hz: 3400.0,
            },
            "narrow band: nothing above 3.4 kHz, as on the telephone",
            "narrowband",
        ),
        (
            Warning::Noisy { snr_db: 9.6 },
            "noisy: a signal-to-noise ratio of 10 dB",
            "noisy",
        ),
    ] {
        assert_eq!(warning.to_string(), sentence);
        assert_eq!(
            serde_json::to_string(&warning).unwrap(),
            format!("\"{word}\"")
        );
    }
}
