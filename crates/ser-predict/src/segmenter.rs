//! From a stream of samples to pieces of speech.

use ser_audio::{Segment, VoiceActivity, Waveform, restored};

use crate::error::{Error, Result};

/// The longest piece in seconds, about what the clips are long that models learn from: longer speech
/// is cut.
pub const LONGEST_PIECE: f64 = 3.0;
/// Seconds by which speech must go on behind a cut, so that no scrap is left over.
const BEHIND_CUT: f64 = 1.0;
/// A last piece shorter than this is judged together with what was said before it, up to this many
/// seconds in all.
const JUDGED: f64 = 2.0;
/// Seconds kept in a pause: the judgement comes up to a second late.
const KEPT: f64 = 6.0;
/// Seconds on either side of a piece that are looked at as well, as far as they are there: offset, hum and clicks are
/// told from speech in the pauses.
const AROUND: f64 = 4.0;
/// The lowest sampling rate in Hz: below, most of what tells emotions apart is gone.
const LOWEST_RATE: u32 = 4_000;
/// Blocks a second in which the stream is looked at, however it arrives.
const BLOCKS: u32 = 100;

/// A piece of speech.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Where it begins in the stream, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// The sound to judge it by: the piece, and before a short one what was said until then; [`restored`].
    pub sound: Waveform,
}

/// Finds the pieces of speech in a stream of samples.
///
/// Speech is what [`VoiceActivity`] finds. Where it goes on for more than [`LONGEST_PIECE`] and a second
/// it is cut. A piece is complete when its segment is, and one that ends in a cut 2 s after the cut. Pieces do not depend
/// on how the samples are cut into calls of [`push`](Self::push).
///
/// In memory are at most about 12 seconds of sound in a pause, and 18 in speech; more only while a background
/// that has become louder may yet turn out to be speech.
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
    /// The last samples of the stream.
    kept: Vec<f32>,
    /// Number of the first of them.
    first: u64,
    /// Up to where the speech that goes on has been cut into pieces.
    cut: Option<u64>,
}

impl Segmenter {
    /// A segmenter for samples at `sample_rate` Hz.
    ///
    /// # Errors
    /// [`Error::SampleRate`] below 4000 Hz.
    pub fn new(sample_rate: u32) -> Result<Self> {
        if sample_rate < LOWEST_RATE {
            return Err(Error::SampleRate {
                lowest: LOWEST_RATE,
                actual: sample_rate,
            });
        }
        Ok(Self {
            voice: VoiceActivity::new(sample_rate),
            rate: sample_rate,
            kept: Vec::new(),
            first: 0,
            cut: None,
        })
    }

    /// Takes the next samples, and returns the pieces that are complete now.
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

    /// Says that no more samples come, and returns the last pieces.
    pub fn finish(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        self.voice.finish();
        self.complete(&mut pieces);
        pieces
    }

    /// Samples taken.
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
            while end.saturating_sub(from) >= self.samples(LONGEST_PIECE + BEHIND_CUT) {
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
            while certain.saturating_sub(from) >= self.samples(LONGEST_PIECE + BEHIND_CUT) {
                let to = from + self.samples(LONGEST_PIECE);
                pieces.push(self.piece(start, from, to));
                from = to;
                self.cut = Some(from);
            }
        }
        self.forget();
    }

    /// The piece from one sample to another of speech that began at `start`.
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

    /// Drops what no piece can need any more.
    fn forget(&mut self) {
        let kept = self.position().saturating_sub(self.samples(KEPT));
        let needed = match self.voice.speaking() {
            // What has not begun cannot go on for long: it is louder than the quietest of the last seconds.
            Some((start, _)) => self
                .cut
                .unwrap_or(start)
                .saturating_sub(self.samples(JUDGED + AROUND)),
            None => kept,
        };
        let excess = needed.min(kept).saturating_sub(self.first);
        // Moving the rest to the front is worth it once in a while.
        if excess > self.samples(KEPT) {
            self.kept.drain(..excess as usize);
            self.first += excess;
        }
    }
}
