//! Audio restoration: removes what cheap sound cards and cables add to a recording.

mod clicks;
mod fit;
mod hum;

use std::borrow::Cow;

use crate::waveform::Waveform;

/// Removes what recording equipment adds to a sound: a constant offset, mains hum, and single clicks. A recording
/// without these is returned unchanged, to the last bit.
///
/// # Offset and hum
///
/// In windows of 8 s, a constant and tones at the multiples of a frequency near 50 or 60 Hz are fitted to the sound by
/// least squares, the first eight together. The weight of each 50 ms is the inverse of its power, so the pauses decide
/// and speech hardly counts. If there is hum, the fit explains nearly all of the weighted energy; if there is none, a
/// few percent. Only a fit that explains more than half is subtracted. Nothing else is lost, as it would be with a
/// filter: a voice of 100 Hz keeps its fundamental. From windows shorter than 1.5 s only an offset is removed.
///
/// # Clicks
///
/// A click is a burst of at most 20 ms whose peak is at least an eighth of the peak of the recording, with everything
/// within 100 ms on either side at least 20 dB quieter. It is replaced with a straight line. Clicks within speech
/// remain.
///
/// ```
/// use ser_audio::{Waveform, restored};
///
/// // Two seconds of faint noise on a constant of a tenth of full scale.
/// let noise = |n: u32| 0.001 * (n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0;
/// let sound = Waveform::new((0..32_000).map(|n| 0.1 + noise(n)).collect(), 16_000);
/// let mean = restored(&sound).samples.iter().sum::<f32>() / 32_000.0;
/// assert!(mean.abs() < 1e-4);
/// ```
pub fn restored(sound: &Waveform) -> Cow<'_, Waveform> {
    let mut sound = hum::remove(sound);
    clicks::remove(&mut sound);
    sound
}
