//! Cutting silence off both ends.

use std::ops::Range;

use crate::prosody::{centred, frame_count, mean_square};

/// The samples from the first to the last frame that is not silent.
///
/// A frame is silent when it lies `top_db` decibels or more below the loudest one. librosa's
/// defaults are `top_db` 60, `frame_length` 2048 and `hop_length` 512 samples; a hop of 0 counts
/// as 1.
///
/// # Formula
///
/// Frame `i` is sound if `dB(mᵢ) − dB(max m) > −top_db`, with `dB(m) = 10 log₁₀ max(1e-10, m)` and
/// `mᵢ` the mean square of the frame centred on sample `i · hop_length`, zeros around the signal.
/// Sound in frames `first..=last` gives the samples
/// `first · hop_length .. (last + 1) · hop_length`, cut at the end of the signal.
///
/// In a signal of nothing but zeros no frame is quieter than the loudest: it is returned whole, as
/// librosa does. An empty signal gives an empty range, and so does `top_db` ≤ 0.
///
/// # References
///
/// `librosa.effects.trim`.
pub fn trim(samples: &[f32], top_db: f64, frame_length: usize, hop_length: usize) -> Range<usize> {
    const AMIN: f32 = 1e-10;

    let hop = hop_length.max(1);
    let levels: Vec<f32> = (0..frame_count(samples.len(), frame_length, hop))
        .map(|frame| {
            mean_square(centred(samples, frame, frame_length, hop), frame_length).max(AMIN)
        })
        .collect();
    let loudest = levels.iter().copied().fold(AMIN, f32::max);
    let threshold = loudest * 10f64.powf(-top_db / 10.0) as f32;
    let is_sound = |&level: &f32| level > threshold;
    let (Some(first), Some(last)) = (
        levels.iter().position(is_sound),
        levels.iter().rposition(is_sound),
    ) else {
        return 0..0;
    };
    let end = ((last + 1) * hop).min(samples.len());
    (first * hop).min(end)..end
}
