//! Divides a stream of samples into pieces of speech.

use ser_audio::{Segment, VoiceActivity, Waveform, restored};

use crate::error::{Error, Result};

/// Length in seconds of the pieces into which longer speech is cut, about as much speech as the clips have that models
/// are trained on: the median of RAVDESS is 1.8 s. The last piece before a pause may be up to a second longer.
pub const LONGEST_PIECE: f64 = 2.0;
/// Seconds of speech that must follow a cut, so that no very short piece remains.
const BEHIND_CUT: f64 = 1.0;
/// Seconds of speech from which on it is cut, and a recording is answered by its pieces. In 99 % of the clips of RAVDESS there is less.
pub const CUT: f64 = LONGEST_PIECE + BEHIND_CUT;
/// A piece shorter than this number of seconds is answered together with the speech directly before it, up to this
/// number of seconds in total.
const JUDGED: f64 = 2.0;
/// Seconds of sound kept in a pause. Voice activity is decided up to a second late.
const KEPT: f64 = 6.0;
/// Seconds of sound before and after a piece that restoration also gets, as far as they exist, because offset, hum and
/// clicks are separated from speech in the pauses.
const AROUND: f64 = 4.0;
/// The lowest sampling rate in Hz. Below it, most of what distinguishes emotions is missing.
const LOWEST_RATE: u32 = 4_000;
/// Number of blocks per second in which the stream is processed, regardless of how it arrives.
const BLOCKS: u32 = 100;

/// A piece of speech.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Start of the piece in the stream, in seconds.
    pub start: f64,
    /// End of the piece in the stream, in seconds.
    pub end: f64,
    /// The [`restored`] sound from which the piece is answered: the piece itself, after some of the preceding speech if
    /// the piece is short.
    pub sound: Waveform,
}

/// Finds the pieces of speech in a stream of samples.
///
/// [`VoiceActivity`] finds the speech. Speech that lasts at least a second longer than [`LONGEST_PIECE`] is cut. The
/// last piece of a segment is complete when the segment is, and a piece that ends in a cut about 2 s after the cut.
/// Pieces do not depend on how the samples are divided among calls of [`push`](Self::push).
///
/// At most about 12 seconds of sound are in memory in a pause, and 18 seconds in speech. There is more only while a
/// background that has become louder may still turn out to be speech.
///
/// ```
/// use ser_predict::Segmenter;
///
/// // A second of a tone in three seconds of faint noise.
/// let noise = |n: u32| 1e-4 * (n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0;
/// let tone = |n: u32| if (16_000..32_000).contains(&n) { (0.2 * n as f32).sin() / 8.0 } else { 0.0 };
/// let samples: Vec<f32> = (0..48_000).map(|n| noise(n) + tone(n)).collect();
/// let mut segmenter = Segmenter::new(16_000)?;
/// let mut pieces = segmenter.push(&samples);
/// pieces.extend(segmenter.finish());
/// assert_eq!(pieces.len(), 1);
/// assert!((pieces[0].start - 1.0).abs() < 0.15 && (pieces[0].end - 2.0).abs() < 0.2);
/// # Ok::<(), ser_predict::Error>(())
/// ```
pub struct Segmenter {
    voice: VoiceActivity,
    rate: u32,
    /// The most recent samples of the stream.
    kept: Vec<f32>,
    /// Position in the stream of the first of these samples.
    first: u64,
    /// Position of the last cut in the current speech, if it has been cut.
    cut: Option<u64>,
}

/// Refuses a sampling rate at which too little of a voice is left.
pub(crate) fn check_rate(sample_rate: u32) -> Result<()> {
    if sample_rate < LOWEST_RATE {
        Err(Error::SampleRate {
            lowest: LOWEST_RATE,
            actual: sample_rate,
        })
    } else {
        Ok(())
    }
}

impl Segmenter {
    /// Creates a segmenter for samples at `sample_rate` Hz.
    ///
    /// # Errors
    /// [`Error::SampleRate`] below 4000 Hz.
    pub fn new(sample_rate: u32) -> Result<Self> {
        check_rate(sample_rate)?;
        Ok(Self {
            voice: VoiceActivity::new(sample_rate),
            rate: sample_rate,
            kept: Vec::new(),
            first: 0,
            cut: None,
        })
    }

    /// Takes the next samples, and returns the pieces that are now complete.
    pub fn push(&mut self, samples: &[f32]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = samples;
        while !rest.is_empty() {
            let block = self.rate / BLOCKS;
            let missing = block - (self.position() % u64::from(block)) as u32;
            let (now, later) = rest.split_at(rest.len().min(missing as usize));
            self.kept.extend_from_slice(now);
            self.voice.push(now);
            rest = later;
            if now.len() == missing as usize {
                self.complete(&mut pieces);
            }
        }
        pieces
    }

    /// Ends the stream, and returns the last pieces.
    pub fn finish(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        self.voice.finish();
        self.complete(&mut pieces);
        pieces
    }

    /// Returns the number of samples taken so far.
    fn position(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    fn samples(&self, seconds: f64) -> u64 {
        (seconds * f64::from(self.rate)) as u64
    }

    fn complete(&mut self, pieces: &mut Vec<Piece>) {
        let ended: Vec<Segment> = self.voice.drain().collect();
        for Segment { start, end, .. } in ended {
            let mut from = self.cut.take().unwrap_or(start);
            while end.saturating_sub(from) >= self.samples(CUT) {
                let to = from + self.samples(LONGEST_PIECE);
                pieces.push(self.piece(start, from, to));
                from = to;
            }
            if from < end {
                pieces.push(self.piece(start, from, end));
            }
        }
        if let Some((start, certain)) = self.voice.speaking() {
            let mut from = self.cut.unwrap_or(start);
            while certain.saturating_sub(from) >= self.samples(CUT) {
                let to = from + self.samples(LONGEST_PIECE);
                pieces.push(self.piece(start, from, to));
                from = to;
                self.cut = Some(from);
            }
        }
        self.forget();
    }

    /// Returns the piece between the samples `from` and `to` of speech that began at the sample `start`.
    fn piece(&self, start: u64, from: u64, to: u64) -> Piece {
        let seconds = |sample: u64| sample as f64 / f64::from(self.rate);
        let heard = from
            .min(to.saturating_sub(self.samples(JUDGED)))
            .max(start)
            .max(self.first);
        let margin = self.samples(AROUND);
        let around = heard.saturating_sub(margin).max(self.first);
        let known = around..(to + margin).min(self.position());
        let at = |sample: u64| sample.saturating_sub(self.first) as usize;
        let sound = self
            .kept
            .get(at(known.start)..at(known.end))
            .unwrap_or_default();
        let mut sound = restored(&Waveform::new(sound.to_vec(), self.rate)).into_owned();
        sound.samples.truncate((to - around) as usize);
        sound.samples.drain(..(heard - around) as usize);
        Piece {
            start: seconds(from),
            end: seconds(to),
            sound,
        }
    }

    /// Drops the samples that no later piece can need.
    fn forget(&mut self) {
        let kept = self.position().saturating_sub(self.samples(KEPT));
        let needed = match self.voice.speaking() {
            // Sound that has not been accepted as speech is dropped soon, because the background level rises to it
            // within seconds.
            Some((start, _)) => self
                .cut
                .unwrap_or(start)
                .saturating_sub(self.samples(JUDGED + AROUND)),
            None => kept,
        };
        let excess = needed.min(kept).saturating_sub(self.first);
        // Moving the other samples to the front is costly, so it is done only when enough can be dropped.
        if excess > self.samples(KEPT) {
            self.kept.drain(..excess as usize);
            self.first += excess;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_sound_is_kept_than_documented_however_long_it_lasts() {
        let rate = LOWEST_RATE;
        let mut segmenter = Segmenter::new(rate).unwrap();
        let mut most = [0.0_f64; 2];
        for second in 0..360_u32 {
            let is_speech = second >= 180;
            let sample = |n: u32| {
                let noise = (n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5;
                let cycle = std::f32::consts::TAU * (n % rate) as f32 / rate as f32;
                let syllables = 0.6 + 0.4 * (4.0 * cycle).sin();
                let voice: f32 = (1..8).map(|k| (150.0 * k as f32 * cycle).sin()).sum();
                1e-3 * noise
                    + if is_speech {
                        0.05 * syllables * voice
                    } else {
                        0.0
                    }
            };
            let samples: Vec<f32> = (second * rate..(second + 1) * rate).map(sample).collect();
            let pieces = segmenter.push(&samples);
            assert!(is_speech || pieces.is_empty());
            let kept = segmenter.kept.len() as f64 / f64::from(rate);
            let most = &mut most[usize::from(is_speech)];
            *most = most.max(kept);
        }
        assert!(segmenter.cut.is_some(), "speech goes on until the end");
        assert!(most[0] <= 12.1 && most[1] <= 18.0, "{most:?}");
    }
}
