//! Removal of single clicks in pauses.

use std::borrow::Cow;
use std::ops::Range;

use crate::waveform::Waveform;

/// Number of blocks per second in which clicks are searched.
const BLOCKS: usize = 500;
/// Number of blocks of the longest click, 20 ms, and of the quiet on either side of it, 100 ms.
const LONGEST: usize = 10;
const QUIET: usize = 50;
/// The least peak of a click as a share of the peak of the recording, and the largest peak around it as a share of that
/// of the click: −18 and −20 dB.
const LOUD: f32 = 0.125;
const AROUND: f32 = 0.1;

/// Replaces each click with a straight line.
pub(super) fn remove(sound: &mut Cow<'_, Waveform>) {
    let block = (sound.sample_rate as usize / BLOCKS).max(1);
    for blocks in find(&peaks(&sound.samples, block)) {
        let samples = &mut sound.to_mut().samples;
        let end = (blocks.end * block).min(samples.len());
        draw_line(samples, blocks.start * block..end);
    }
}

/// Returns the largest magnitude in each block.
fn peaks(samples: &[f32], block: usize) -> Vec<f32> {
    let peak = |block: &[f32]| {
        let (lanes, rest) = block.as_chunks::<8>();
        let mut peaks = [0f32; 8];
        for lane in lanes {
            for (peak, x) in peaks.iter_mut().zip(lane) {
                *peak = if x.abs() > *peak { x.abs() } else { *peak };
            }
        }
        let peaks = peaks.into_iter().chain(rest.iter().map(|x| x.abs()));
        peaks.fold(0.0, f32::max)
    };
    samples.chunks(block).map(peak).collect()
}

/// Returns the blocks of each click.
fn find(peaks: &[f32]) -> Vec<Range<usize>> {
    let loudest = |blocks: &[f32]| blocks.iter().copied().fold(0.0, f32::max);
    let loud = LOUD * loudest(peaks);
    let mut clicks = Vec::new();
    let mut from = 0;
    while let Some(start) = (from..peaks.len()).find(|&at| peaks[at] >= loud && loud > 0.0) {
        from = start + 1;
        // The flanks of a click may be quiet, so one more block on either side belongs to it.
        let peak = loudest(&peaks[start..peaks.len().min(start + LONGEST)]);
        let around = AROUND * peak;
        let before = &peaks[..start.saturating_sub(1)];
        if loudest(&before[before.len().saturating_sub(QUIET)..]) > around {
            continue;
        }
        let rest = &peaks[start..];
        let length = rest.iter().take_while(|&&p| p > around).count();
        let after = rest.get(length + 1..).unwrap_or_default();
        if length > LONGEST || loudest(&after[..after.len().min(QUIET)]) > around {
            continue;
        }
        from = start + length;
        clicks.push(start.saturating_sub(1)..start + length + 1);
    }
    clicks
}

/// Replaces samples with the line between their neighbours; at an end of the recording with a constant.
fn draw_line(samples: &mut [f32], range: Range<usize>) {
    let before = range.start.checked_sub(1).map(|at| samples[at]);
    let after = samples.get(range.end).copied();
    let (Some(first), Some(last)) = (before.or(after), after.or(before)) else {
        return samples.fill(0.0);
    };
    let step = (last - first) / (range.len() + 1) as f32;
    for (n, x) in samples[range].iter_mut().enumerate() {
        *x = first + step * (n + 1) as f32;
    }
}
