//! Audio restoration: what cheap sound cards and cables add to a recording, taken out again.

mod clicks;
mod fit;
mod hum;

use std::borrow::Cow;

use crate::waveform::Waveform;

/// A recording without what its equipment added: a constant offset, the hum of the mains, single clicks. One that has
/// none of these is handed back as it is, to the last bit.
///
/// # Offset and hum
///
/// In windows of 8 s, a constant and tones at the first multiples of a frequency near 50 or 60 Hz are fitted to the
/// sound by least squares, the first eight together. Each 50 ms count by the inverse of their power, so that the pauses decide and speech
/// hardly counts. What the fit explains of the sound counted so is close to all of it where there is a hum, and a few
/// percent where there is none: only what explains more than half is subtracted. Nothing else is lost, as it would be
/// behind a filter: a voice of 100 Hz keeps its fundamental. Windows of less than 1.5 s are only freed of an offset.
///
/// # Clicks
///
/// A burst of at most 20 ms, at least an eighth of the recording's peak, from which everything within 100 ms on either
/// side is 20 dB away, is replaced by a straight line. Clicks within speech stay.
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
    let mut sound = Cow::Borrowed(sound);
    hum::remove(&mut sound);
    clicks::remove(&mut sound);
    sound
}
