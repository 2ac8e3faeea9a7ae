//! Removal of silence at both ends of a signal.

use std::ops::Range;

use ser_audio::mean_square;

use crate::error::Result;
use crate::prosody::{centred_range, frame_count};
use crate::signal::{InMemory, Signal};

/// Returns the range of samples from the first to the last frame that is not silent.
///
/// A frame is silent if it lies `top_db` decibels or more below the loudest one. librosa's
/// defaults are a `top_db` of 60, a `frame_length` of 2048 and a `hop_length` of 512 samples. A hop
/// length of 0 counts as 1.
///
/// # Formula
///
/// Frame `i` is not silent if `dB(mᵢ) − dB(max m) > −top_db`, with `dB(m) = 10 log₁₀ max(1e-10, m)`
/// and `mᵢ` the mean square of the frame centred on sample `i · hop_length`, with zeros around the
/// signal. If the frames `first..=last` are the ones with sound, the result is
/// `first · hop_length .. (last + 1) · hop_length`, limited to the end of the signal.
///
/// If a signal consists of zeros only, no frame is quieter than the loudest, and the whole range is
/// returned, as in librosa. The range is empty for an empty signal and for a `top_db` of 0 or less.
///
/// # References
///
/// `librosa.effects.trim`.
pub fn trim(samples: &[f32], top_db: f64, frame_length: usize, hop_length: usize) -> Range<usize> {
    const AMIN: f64 = 1e-10;

    let signal = &mut InMemory(samples);
    // A signal in memory never fails to return its samples.
    trim_signal(signal, top_db, frame_length, hop_length, AMIN).unwrap_or(0..samples.len())
}

/// Number of frames whose samples are requested together.
const FRAMES_AT_A_TIME: usize = 4096;

/// Does the same as [`trim`] for a signal of which only a part needs to be in memory; the level of every
/// frame is, 4 bytes each. Mean squares below `amin` are raised to `amin`, so such frames are as silent as
/// the zeros around the signal.
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
