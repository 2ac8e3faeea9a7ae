//! Removal of a constant offset and mains hum.

use std::borrow::Cow;
use std::f64::consts::PI;

use super::fit::{Fit, Window};
use crate::waveform::Waveform;

/// The least rate of the fit in Hz, four times the highest multiple in it.
const LOW_RATE: u32 = 2000;
/// Seconds from the middle of one window to that of the next. A window is twice as long.
const HOP: f64 = 4.0;

/// Returns the sound without offset and hum, or the sound itself if there are none.
pub(super) fn remove(sound: &Waveform) -> Cow<'_, Waveform> {
    let mut cleaned = Cow::Borrowed(sound);
    let by = (sound.sample_rate / LOW_RATE).max(1) as usize;
    let mean = |samples: &[f32]| f64::from(samples.iter().sum::<f32>()) / by as f64;
    let low: Vec<f64> = sound.samples.chunks_exact(by).map(mean).collect();

    let rate = f64::from(sound.sample_rate);
    let length = sound.samples.len();
    // A whole number of means.
    let hop = (HOP * rate) as usize / by * by;
    let windows = length
        .checked_div(hop)
        .unwrap_or(0)
        .saturating_sub(1)
        .max(1);
    for window in 0..windows {
        let (is_first, is_last) = (window == 0, window + 1 == windows);
        let start = window * hop;
        let end = if is_last {
            low.len()
        } else {
            (start + 2 * hop) / by
        };
        let fit = Window {
            samples: &low[start / by..end],
            // A mean represents the middle of its samples.
            start: (start as f64 + (by - 1) as f64 / 2.0) / rate,
            rate: rate / by as f64,
        }
        .fit();
        let Some(mut fit) = fit else { continue };
        undo_means(&mut fit, by, rate);
        if !fit.tones.is_empty() {
            let samples = &sound.samples[start..length.min(end * by)];
            let samples: Vec<f64> = samples.iter().map(|&x| x.into()).collect();
            Window {
                samples: &samples,
                start: start as f64 / rate,
                rate,
            }
            .add_buzz(&mut fit);
        }
        // From its middle on, the fit fades out while that of the next window fades in.
        let middle = start + hop;
        let from = if is_first { 0 } else { start };
        let to = if is_last { length } else { middle + hop };
        let share = |at: usize| match at < middle {
            true if is_first => 1.0,
            false if is_last => 1.0,
            _ => 1.0 - at.abs_diff(middle) as f64 / hop as f64,
        };
        let samples = &mut cleaned.to_mut().samples[from..to];
        for ((at, x), value) in (from..)
            .zip(samples)
            .zip(fit.values(from as f64 / rate, rate))
        {
            *x = (f64::from(*x) - share(at) * value) as f32;
        }
    }
    cleaned
}

/// Undoes the attenuation of the tones that was caused by taking means of `by` samples at a rate in Hz.
fn undo_means(fit: &mut Fit, by: usize, rate: f64) {
    for (multiple, tone) in (1..).map(f64::from).zip(&mut fit.tones) {
        let half = PI * multiple * fit.frequency / rate;
        if half > 0.0 {
            *tone *= by as f64 * half.sin() / (by as f64 * half).sin();
        }
    }
}
