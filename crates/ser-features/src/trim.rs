//! Cutting silence off both ends.

use std::ops::Range;

use ser_audio::mean_square;

use crate::error::Result;
use crate::prosody::{centred_range, frame_count};
use crate::signal::{InMemory, Signal};

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
    const AMIN: f64 = 1e-10;

    let signal = &mut InMemory(samples);
    // A signal in memory gives all its samples.
    trim_signal(signal, top_db, frame_length, hop_length, AMIN).unwrap_or(0..samples.len())
}

/// Frames whose samples are asked for together.
const FRAMES_AT_A_TIME: usize = 4096;

/// [`trim`] of a signal of which only a part needs to be in memory, with the smallest mean square that
/// counts: below it, frames are silent in the signal and out of it.
pub(crate) fn trim_signal(
    signal: &mut impl Signal,
    top_db: f64,
    frame_length: usize,
    hop_length: usize,
    amin: f64,
) -> Result<Range<usize>> {
    let amin = (amin as f32).max(f32::MIN_POSITIVE);
    let (len, hop) = (signal.len(), hop_length.max(1));
    let frames = frame_count(len, frame_length, hop);
    let range = |frame| centred_range(len, frame, frame_length, hop);
    let mut levels = Vec::with_capacity(frames);
    for first in (0..frames).step_by(FRAMES_AT_A_TIME) {
        let end = (first + FRAMES_AT_A_TIME).min(frames);
        let start = range(first).start;
        let samples = signal.samples(start..range(end - 1).end)?;
        levels.extend((first..end).map(range).map(|range| {
            let inside = &samples[range.start - start..range.end - start];
            mean_square(inside, frame_length).max(amin)
        }));
    }
    let loudest = levels.iter().copied().fold(amin, f32::max);
    let threshold = loudest * 10f64.powf(-top_db / 10.0) as f32;
    let is_sound = |&level: &f32| level > threshold;
    let (Some(first), Some(last)) = (
        levels.iter().position(is_sound),
        levels.iter().rposition(is_sound),
    ) else {
        return Ok(0..0);
    };
    let end = ((last + 1) * hop).min(len);
    Ok((first * hop).min(end)..end)
}
