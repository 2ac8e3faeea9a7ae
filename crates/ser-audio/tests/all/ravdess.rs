//! Compares thresholds with the real corpus. These tests run only if `SER_RAVDESS` names the folder of its WAV files.

use ser_audio::Waveform;
use ser_audio::conditions::Condition;
use ser_audio::{Quality, Segment, Warning, read};

use crate::signals::{louder, segments};

/// Only every 19th clip is measured: 76 of 1440, of every actor, emotion and sentence.
const EVERY: usize = 19;

/// Returns the clips; prints a line and returns `None` without the corpus.
fn clips() -> Option<Vec<Waveform>> {
    let paths = ser_fixtures::ravdess_clips(EVERY)?;
    Some(paths.iter().map(|path| read(path).unwrap()).collect())
}

fn under(clips: &[Waveform], condition: &str) -> Vec<Waveform> {
    let condition: Condition = condition.parse().unwrap();
    let copies = clips.iter().zip(0..);
    copies
        .map(|(clip, seed)| condition.apply(clip, seed).unwrap())
        .collect()
}

/// Returns a clip that is amplified to twice full scale and cut off.
fn clipped(clip: &Waveform) -> Waveform {
    let peak = clip
        .samples
        .iter()
        .fold(0.0, |peak: f32, x| peak.max(x.abs()));
    let mut copy = louder(clip, 2.0 / peak);
    for x in &mut copy.samples {
        *x = x.clamp(-1.0, 1.0);
    }
    copy
}

/// Returns the share of the clips with a warning for which `is_meant` is true.
fn share(name: &str, clips: &[Waveform], is_meant: impl Fn(&Warning) -> bool) -> f64 {
    let warned = clips
        .iter()
        .map(|clip| Quality::of(clip).warnings().iter().any(&is_meant));
    let share = warned.filter(|&warned| warned).count() as f64 / clips.len() as f64;
    println!("{name}: {:.1} %", 100.0 * share);
    share
}

#[test]
fn warnings_come_where_they_should_and_hardly_anywhere_else() {
    let Some(clips) = clips() else {
        return;
    };
    let any = |_: &Warning| true;
    assert!(share("clean, any warning", &clips, any) < 0.05);
    assert!(share("small room, any warning", &under(&clips, "room small"), any) < 0.05);
    for condition in ["noise-white 20", "noise-babble 20"] {
        assert!(share(condition, &under(&clips, condition), any) < 0.05);
    }
    let narrow = |warning: &Warning| matches!(warning, Warning::Narrowband { .. });
    for condition in ["telephone", "lowpass-8k"] {
        assert!(share(condition, &under(&clips, condition), narrow) > 0.95);
    }
    let noisy = |warning: &Warning| matches!(warning, Warning::Noisy { .. });
    for condition in ["noise-white 10", "noise-babble 10"] {
        assert!(share(condition, &under(&clips, condition), noisy) > 0.95);
    }
    let copies: Vec<Waveform> = clips.iter().map(clipped).collect();
    let flat = |warning: &Warning| matches!(warning, Warning::Clipped { .. });
    assert!(share("clipped by 6 dB", &copies, flat) > 0.95);
}

/// Returns the time in both divided by the time in either; 1 if there is no speech in either.
fn overlap(a: &[Segment], b: &[Segment]) -> f64 {
    let length =
        |segments: &[Segment]| segments.iter().map(|s| s.end - s.start).sum::<u64>() as f64;
    let both: u64 = a
        .iter()
        .flat_map(|a| {
            b.iter()
                .map(|b| a.end.min(b.end).saturating_sub(a.start.max(b.start)))
        })
        .sum();
    let either = length(a) + length(b) - both as f64;
    if either == 0.0 {
        1.0
    } else {
        both as f64 / either
    }
}

#[test]
fn speech_is_found_in_every_clip_and_stays_where_it_is_in_noise() {
    let Some(clips) = clips() else {
        return;
    };
    let clean: Vec<Vec<Segment>> = clips.iter().map(segments).collect();
    for segments in &clean {
        let seconds: f64 = segments.iter().map(Segment::seconds).sum();
        assert!(
            (1..=3).contains(&segments.len()) && (1.0..4.0).contains(&seconds),
            "{segments:?}"
        );
    }
    let one = clean.iter().filter(|segments| segments.len() == 1).count();
    println!("one segment: {one} of {} clips", clean.len());
    assert!(
        one as f64 > 0.9 * clean.len() as f64,
        "{one} clips have one segment"
    );

    for (condition, least) in [
        ("gain 20", 1.0),
        ("gain -20", 0.999),
        ("telephone", 0.93),
        ("room small", 0.93),
        ("noise-white 20", 0.93),
        ("noise-babble 20", 0.9),
        ("noise-white 10", 0.85),
        ("noise-babble 10", 0.8),
    ] {
        let heard = under(&clips, condition);
        let overlaps = heard
            .iter()
            .zip(&clean)
            .map(|(clip, clean)| overlap(&segments(clip), clean));
        let mean = overlaps.sum::<f64>() / clean.len() as f64;
        println!("{condition}: mean overlap {mean:.3}");
        assert!(mean >= least, "{condition}: {mean}");
    }
}
