//! Tests voice activity detection.

use std::f64::consts::TAU;

use ser_audio::VoiceActivity;
use ser_audio::Waveform;

use crate::signals::{Random, louder, segments, speech, times};

/// Checks that there is a segment for each `(start, end)` and no other one. A segment may begin 0.1 s before and end
/// 0.2 s after.
fn assert_found(waveform: &Waveform, spoken: &[(f64, f64)]) {
    let found = times(&segments(waveform));
    assert_eq!(found.len(), spoken.len(), "{found:?}");
    for (&(start, end), &(from, to)) in found.iter().zip(spoken) {
        assert!((from - 0.1..from + 0.05).contains(&start), "{found:?}");
        assert!((to - 0.1..to + 0.2).contains(&end), "{found:?}");
    }
}

const SPOKEN: [(f64, f64); 3] = [(0.5, 2.0), (2.75, 4.0), (6.5, 7.25)];

#[test]
fn speech_is_found_at_every_rate() {
    for rate in [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
        assert_found(&speech(rate, 9.0, &SPOKEN), &SPOKEN);
    }
}

#[test]
fn speech_that_fills_the_recording_is_found_and_not_cut() {
    for spoken in [(0.0, 3.0), (0.0, 20.0)] {
        let found = times(&segments(&speech(16_000, spoken.1, &[spoken])));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].0 < 0.05 && found[0].1 > spoken.1 - 0.15,
            "{found:?}"
        );
    }
}

#[test]
fn short_pauses_are_bridged_and_short_sounds_dropped() {
    assert_found(
        &speech(16_000, 4.0, &[(1.0, 2.0), (2.1, 3.0)]),
        &[(1.0, 3.0)],
    );
    assert_found(&speech(16_000, 4.0, &[(1.0, 1.125)]), &[]);
}

#[test]
fn the_cuts_between_pushes_change_nothing() {
    for rate in [22_050, 48_000] {
        let waveform = speech(rate, 9.0, &SPOKEN);
        let whole = segments(&waveform);
        let (mut voice, mut rest, mut found) =
            (VoiceActivity::new(rate), &waveform.samples[..], vec![]);
        for length in [0, 1, 7, 4801, 100, 33_333].iter().cycle() {
            let (part, later) = rest.split_at(rest.len().min(*length));
            voice.push(part);
            found.extend(voice.drain());
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        voice.finish();
        found.extend(voice.drain());
        assert_eq!(found, whole);
    }
}

#[test]
fn the_level_changes_nothing() {
    let waveform = speech(16_000, 9.0, &SPOKEN);
    for factor in [0.1, 10.0] {
        assert_eq!(segments(&louder(&waveform, factor)), segments(&waveform));
    }
}

#[test]
fn what_lies_below_100_db_is_never_speech() {
    // The loudest 50 ms lie 14 dB below full scale.
    let waveform = speech(16_000, 9.0, &SPOKEN);
    assert_eq!(segments(&louder(&waveform, 0.000_02)), []);
    assert_eq!(segments(&louder(&waveform, 0.0)), []);
    assert_eq!(segments(&Waveform::new(Vec::new(), 16_000)), []);
    // Nor is the residue of a codec at −120 dBFS where something short has just reached −95 dBFS.
    let mut residue = louder(&speech(16_000, 9.0, &[(6.0, 8.0)]), 5.6e-6);
    let short = louder(&speech(16_000, 9.0, &[(5.0, 5.125)]), 9e-5);
    for (x, short) in residue.samples.iter_mut().zip(&short.samples) {
        *x += short;
    }
    assert_eq!(segments(&residue), []);
}

#[test]
fn steady_noise_and_a_constant_are_no_speech() {
    for factor in [1.0, 100.0] {
        assert_eq!(segments(&louder(&speech(16_000, 9.0, &[]), factor)), []);
    }
    assert_eq!(segments(&Waveform::new(vec![0.5; 80_000], 16_000)), []);
}

#[test]
fn a_background_that_becomes_louder_is_got_used_to() {
    let quiet = speech(16_000, 10.0, &[]);
    let loud = louder(&speech(16_000, 20.0, &[(12.0, 14.0)]), 1.0);
    let mut waveform = Waveform::new(louder(&quiet, 0.1).samples, 16_000);
    waveform.samples.extend(&loud.samples);
    let found = times(&segments(&waveform));
    // The step itself counts as speech as long as the past before it is remembered.
    let last = found.last().unwrap();
    assert!(
        (21.9..22.05).contains(&last.0) && (23.9..24.2).contains(&last.1),
        "{found:?}"
    );
    assert!(
        found[..found.len() - 1]
            .iter()
            .all(|&(start, end)| start > 9.9 && end < 14.5),
        "{found:?}"
    );
}

/// Returns how long after its end each segment is known, in seconds, for sound in blocks of 10 ms.
fn delays(waveform: &Waveform) -> Vec<f64> {
    let (mut voice, mut heard, mut delays) =
        (VoiceActivity::new(waveform.sample_rate), 0.0, vec![]);
    for block in waveform.samples.chunks(waveform.sample_rate as usize / 100) {
        voice.push(block);
        heard += 0.01;
        delays.extend(voice.drain().map(|segment| heard - segment.end_seconds()));
    }
    delays
}

#[test]
fn a_segment_is_known_soon_after_its_end() {
    // The last segment is short, but the one before it has shown how loud speech is.
    let spoken = [(1.0, 2.0), (3.0, 4.5), (5.0, 5.5)];
    for rate in [8000, 16_000, 48_000] {
        let delays = delays(&speech(rate, 9.0, &spoken));
        assert_eq!(delays.len(), 3);
        assert!(delays.iter().all(|delay| *delay < 0.25), "{delays:?}");
    }
    // A noise that ends soon after the speech counts as its end once the silence after it is known.
    let mut gated = speech(16_000, 5.0, &[(1.0, 2.0)]);
    let mut random = Random::new(3);
    for (n, x) in gated.samples.iter_mut().enumerate() {
        *x = match n {
            ..33_600 => *x + (0.01 * random.number()) as f32,
            _ => 0.0,
        };
    }
    let gated = delays(&gated);
    assert!(gated.len() == 1 && gated[0] < 0.25, "{gated:?}");
    let delays = delays(&speech(16_000, 9.0, &[(1.0, 1.5)]));
    assert!(delays.len() == 1 && delays[0] < 1.3, "{delays:?}");
}

#[test]
fn a_breath_before_speech_is_none() {
    let spoken = [(1.5, 3.0), (10.0, 11.5)];
    let mut waveform = speech(16_000, 14.0, &spoken);
    // 34 dB below what follows, and 16 dB above the room.
    let breath = louder(&speech(16_000, 14.0, &[(0.5, 1.0), (9.0, 9.5)]), 0.02);
    let sum = waveform.samples.iter_mut().zip(breath.samples);
    sum.for_each(|(x, breath)| *x += breath);
    assert_found(&waveform, &spoken);
}

#[test]
fn a_quiet_sentence_after_a_shout_is_found() {
    let (shout, quiet) = ((0.5, 2.0), (4.2, 6.0));
    let mut waveform = speech(16_000, 7.0, &[shout]);
    // 34 dB below the shout, and 16 dB above the room.
    let sentence = louder(&speech(16_000, 7.0, &[quiet]), 0.02);
    let sum = waveform.samples.iter_mut().zip(sentence.samples);
    sum.for_each(|(x, quiet)| *x += quiet);
    assert_found(&waveform, &[shout, quiet]);
}

#[test]
fn what_is_said_of_speech_that_goes_on_stays_true() {
    // A hum, 8 dB above the room and too soft to begin a segment, starts right after somebody speaks.
    let spoken = [(4.0, 6.0), (20.0, 21.5)];
    let mut waveform = speech(16_000, 26.0, &spoken);
    let mut random = Random::new(2);
    for (n, x) in waveform.samples.iter_mut().enumerate() {
        let t = n as f64 / 16_000.0;
        let hum = if (6.2..11.2).contains(&t) {
            0.025
        } else {
            0.01
        };
        *x += (hum * random.number()) as f32;
    }
    let found = segments(&waveform);
    assert_eq!(found.len(), 2);
    let mut voice = VoiceActivity::new(16_000);
    for block in waveform.samples.chunks(160) {
        voice.push(block);
        if let Some((start, end)) = voice.speaking()
            && start < end
        {
            let segment = found.iter().find(|s| (s.start..s.end).contains(&start));
            assert!(
                segment.is_some_and(|s| s.start == start && end <= s.end),
                "{start} to {end} of {found:?}"
            );
        }
    }
}

#[test]
fn odd_rates_do_no_harm() {
    for rate in [1, 50, 99, 101, 4000, 768_000] {
        let waveform = speech(rate, 3.0, &[(1.0, 2.0)]);
        for segment in segments(&waveform) {
            assert!(segment.start < segment.end);
            assert!(segment.end <= waveform.samples.len() as u64);
        }
    }
}

#[test]
fn sound_between_the_thresholds_is_not_kept_for_ever() {
    let rate = 16_000;
    let mut voice = VoiceActivity::new(rate);
    let mut longest = 0.0f64;
    for second in 0..120 {
        // In each second one band is 5.8 or 7 times its floor of the last four seconds, and none ten times.
        let (low, high) = [(40f64, 1f64), (40.0, 7.0), (0.0, 7.0), (40.0, 7.0)][second % 4];
        let samples = (0..rate).map(|i| {
            let turns = TAU * (second as f64 + f64::from(i) / f64::from(rate));
            let tones = low.sqrt() * (200.0 * turns).sin() + high.sqrt() * (1500.0 * turns).sin();
            (0.02 * tones) as f32
        });
        voice.push(&samples.collect::<Vec<_>>());
        if let Some((start, _)) = voice.speaking() {
            longest = longest.max((second + 1) as f64 - start as f64 / f64::from(rate));
        }
    }
    assert_eq!(voice.drain().count(), 0);
    // The judgement lies a second behind.
    assert!((30.0..32.0).contains(&longest), "{longest} s");
}
