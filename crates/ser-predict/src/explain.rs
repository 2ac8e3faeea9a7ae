//! Explanations: how the answer changes when parts of the recording are removed.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_audio::conditions::{Occlusion, Region};
use ser_audio::{AudioStream, Quality, Waveform, restored};
use ser_features::{FeatureConfig, FeatureExtractor, Features, MelScale, Output};

use crate::answer::Answer;
use crate::enrolment::Enrolment;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::predictor::{LONG, Predictor, no_speech, pieces_unless_clip};

/// Length in seconds of the shortest recording that can be explained.
pub const SHORTEST_EXPLAINED: f64 = 0.2;

/// Length in seconds of the shortest cell of the grid. A patch has the length of two cells, about that of a syllable.
const CELL_SECONDS: f64 = 0.1;
/// Largest number of cells along time. A long recording has longer cells instead of more.
const MOST_TIMES: usize = 32;
/// Number of cells along frequency.
const BANDS: usize = 12;
/// Number of cells that a patch spans along time and along frequency. Neighbouring patches overlap by all but one cell.
const SPAN: usize = 2;

/// A recording with a higher sampling rate in Hz is resampled to this one, or to the highest of the model, before patches are
/// removed.
const HIGHEST_RATE: u32 = 48_000;

/// Number of patches between two reports of progress, large enough to keep many cores busy.
const AT_ONCE: usize = 32;

/// Number of patches that [`Explanation::strongest`] returns.
const STRONGEST: usize = 3;

/// Size of the spectrogram: about this many frames, and exactly this many mel bands.
const COLUMNS: usize = 315;
const ROWS: usize = 104;
/// Window length of the spectrogram in seconds, long enough to separate the harmonics of most voices.
const WINDOW: f64 = 0.05;

/// The parts of a recording that its answer rests on, computed by [`Predictor::explain`].
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The answer for the whole recording.
    pub answer: Answer,
    /// `[T + 1]`: edges of the grid in seconds.
    pub seconds: Vec<f64>,
    /// `[B + 1]`: edges of the grid in Hz, evenly spaced in mel.
    pub hertz: Vec<f64>,
    /// `[T − 1, B − 1]`, row-major: the patches. Each covers two by two cells and is centred on the point where they
    /// meet.
    pub patches: Vec<Patch>,
}

/// A part of the recording, and how much the answer depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// The part that was removed.
    pub region: Region,
    /// The probability of the answered label minus its probability without the region, from −1 to 1. It is negative if
    /// the label becomes more probable without the region.
    pub drop: f32,
}

impl Explanation {
    /// Returns the three patches on which the answer depends most, the strongest first. No two of them overlap.
    ///
    /// There are fewer than three if no others have a drop above 0.
    #[must_use]
    pub fn strongest(&self) -> Vec<&Patch> {
        let mut ranked: Vec<&Patch> = self.patches.iter().filter(|p| p.drop > 0.0).collect();
        ranked.sort_by(|a, b| b.drop.total_cmp(&a.drop));
        let mut strongest: Vec<&Patch> = Vec::new();
        for patch in ranked {
            let apart = |other: &&Patch| {
                disjoint(&patch.region.seconds, &other.region.seconds)
                    || disjoint(&patch.region.hertz, &other.region.hertz)
            };
            if strongest.len() < STRONGEST && strongest.iter().all(apart) {
                strongest.push(patch);
            }
        }
        strongest
    }

    /// Returns the levels of the recording in dB over the times and the frequencies of the grid.
    ///
    /// # Shape
    /// `[times, 104]`, with about 315 times.
    ///
    /// # Errors
    /// The errors of feature extraction.
    pub fn spectrogram(&self, sound: &Waveform) -> Result<Features> {
        let window = (WINDOW * f64::from(sound.sample_rate)) as usize;
        let config = FeatureConfig {
            sample_rate: sound.sample_rate,
            n_fft: window.next_power_of_two(),
            win_length: Some(window),
            hop_length: sound.samples.len().div_ceil(COLUMNS),
            n_mels: ROWS,
            fmax: self.hertz.last().copied(),
            output: Output::LogMel,
            amin: 1e-20,
            ..FeatureConfig::default()
        };
        Ok(FeatureExtractor::new(&config)?.extract(sound)?)
    }
}

impl Patch {
    /// Describes the patch for people: `1.2–1.4 s, 330–1000 Hz: −18 points for angry`, which is what removing it changes.
    #[must_use]
    pub fn words(&self, emotion: &str) -> String {
        let (seconds, hertz) = (&self.region.seconds, &self.region.hertz);
        let tens = |hertz: f64| 10.0 * (hertz / 10.0).round();
        let points = 100.0 * self.drop.abs();
        let sign = if self.drop < 0.0 { '+' } else { '−' };
        format!(
            "{:.1}–{:.1} s, {}–{} Hz: {sign}{points:.*} points for {emotion}",
            seconds.start,
            seconds.end,
            tens(hertz.start),
            tens(hertz.end),
            usize::from(points < 9.95),
        )
    }
}

fn disjoint(a: &Range<f64>, b: &Range<f64>) -> bool {
    a.end <= b.start || b.end <= a.start
}

impl Predictor {
    /// Finds the times and frequencies of a recording on which the model's answer depends.
    ///
    /// One overlapping patch of the recording at a time is attenuated to the recording's own background (see
    /// [`Occlusion`]); then features are extracted again and the model answers again. This is occlusion (Zeiler &
    /// Fergus, "Visualizing and understanding convolutional networks", 2014) applied to the sound itself. It needs no
    /// access to the inside of the model, so networks on spectrograms, networks on statistics and ensembles of both are
    /// explained in the same way.
    ///
    /// The cells of the grid last a tenth of a second, or longer in recordings of more than 3.2 s. Along frequency
    /// there are twelve bands, up to half the sampling rate of the recording, or half the highest sampling rate to
    /// which the model resamples if that is lower. A patch covers two by two cells. The patches are answered on all of
    /// rayon's threads.
    ///
    /// ```no_run
    /// use ser_predict::Predictor;
    ///
    /// let sound = ser_audio::read("speech.mp3")?;
    /// let explanation = Predictor::built_in()?.explain(&sound, None)?;
    /// for patch in explanation.strongest() {
    ///     println!("{:?}: {:.0} points", patch.region, 100.0 * patch.drop);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - [`Error::ExplainedLength`](crate::Error::ExplainedLength) for a recording of less than [`SHORTEST_EXPLAINED`]
    ///   or more than [`LONG`] seconds, because an explanation needs all of it in memory.
    /// - [`Error::NotSpeech`](crate::Error::NotSpeech) for digital silence.
    /// - [`Error::Conditions`](crate::Error::Conditions) for a recording that [`Occlusion::new`] refuses for another
    ///   reason, such as samples that are not numbers.
    /// - The errors of feature extraction.
    pub fn explain(&self, sound: &Waveform, speaker: Option<&Enrolment>) -> Result<Explanation> {
        self.explain_telling(sound, speaker, |_| ControlFlow::Continue(()))
    }

    /// Explains the answer for a stream as [`Predictor::explain_telling`] does. Also returns the sound of the stream. If the stream
    /// is damaged, the warnings of the answer say what is missing.
    ///
    /// All of the stream is decoded before its length is checked: limit it with
    /// [`AudioStream::at_most`](ser_audio::AudioStream::at_most).
    ///
    /// # Errors
    /// The errors of decoding, and the same as for [`Predictor::explain_telling`].
    pub fn explain_stream(
        &self,
        mut stream: AudioStream,
        speaker: Option<&Enrolment>,
        tell: impl FnMut(f64) -> ControlFlow<()>,
    ) -> Result<(Waveform, Explanation)> {
        let sound = stream.read_to_end()?;
        let explanation = self.explain_telling(&sound, speaker, tell);
        let mut explanation = explanation.map_err(|error| error.with_damage(&stream))?;
        explanation.answer.warnings.extend(stream.warnings());
        Ok((sound, explanation))
    }

    /// Explains an answer as [`Predictor::explain`] does, and reports progress.
    ///
    /// An explanation takes about as long as the recording lasts. In the meantime `tell` is called repeatedly with the
    /// share that is done, from 0 to 1. The explanation is given up when it returns [`ControlFlow::Break`].
    ///
    /// # Errors
    /// The same as for [`Predictor::explain`], and [`Error::Stopped`](crate::Error::Stopped) if `tell` ends it.
    pub fn explain_telling(
        &self,
        sound: &Waveform,
        speaker: Option<&Enrolment>,
        mut tell: impl FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Explanation> {
        let seconds = sound.duration();
        if !(SHORTEST_EXPLAINED..=LONG).contains(&seconds) {
            return Err(Error::ExplainedLength { seconds });
        }
        // The warnings of the answer are about the recording, and restoration would remove their reasons. The memory of this step
        // is free again before the analysis takes its own.
        let answer = self.answer(sound, speaker)?;
        let emotion = answer.emotion();
        let whole = &analysed(self.model(), restored(sound))?;
        if whole.samples.iter().all(|&sample| sample == 0.0) {
            return Err(no_speech());
        }
        let occlusion = Occlusion::new(whole)?;
        let parts = self.answered_parts(whole, speaker, emotion)?;

        let (seconds, hertz) = (times(whole), bands(top(self.model(), whole)));
        let mut regions = Vec::new();
        for time in seconds.windows(SPAN + 1) {
            for band in hertz.windows(SPAN + 1) {
                regions.push(Region {
                    seconds: time[0]..time[SPAN],
                    hertz: band[0]..band[SPAN],
                });
            }
        }
        let patch = |region: &Region| -> Result<Patch> {
            let without = occlusion.without(std::slice::from_ref(region));
            let mut drop = 0.0;
            for part in &parts {
                if !disjoint(&part.seconds, &region.seconds) {
                    let features = self.features(&part.of(&without))?;
                    let probability = self.probability_of(&features, speaker, emotion)?;
                    drop += part.weight * (part.probability - probability);
                }
            }
            Ok(Patch {
                region: region.clone(),
                drop,
            })
        };
        let mut patches = Vec::with_capacity(regions.len());
        for at_once in regions.chunks(AT_ONCE) {
            let answered: Result<Vec<Patch>> = at_once.par_iter().map(patch).collect();
            patches.extend(answered?);
            let share = patches.len() as f64 / regions.len() as f64;
            if tell(share).is_break() {
                return Err(Error::Stopped);
            }
        }
        Ok(Explanation {
            answer,
            seconds,
            hertz,
            patches,
        })
    }
}

/// A part of a recording that is answered by itself: the whole of a clip, or a piece of speech.
struct Part {
    seconds: Range<f64>,
    /// Share in the mean over the parts.
    weight: f32,
    /// Probability of the explained label.
    probability: f32,
}

impl Part {
    fn of(&self, sound: &Waveform) -> Waveform {
        let at = |seconds: f64| {
            let sample = (seconds * f64::from(sound.sample_rate)).round();
            (sample.max(0.0) as usize).min(sound.samples.len())
        };
        let samples = &sound.samples[at(self.seconds.start)..at(self.seconds.end)];
        Waveform::new(samples.to_vec(), sound.sample_rate)
    }
}

impl Predictor {
    /// Returns the parts of a restored recording from whose answers [`Predictor::answer`] computes its own.
    fn answered_parts(
        &self,
        sound: &Waveform,
        speaker: Option<&Enrolment>,
        emotion: usize,
    ) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        for piece in pieces_unless_clip(&Quality::of(sound), sound)? {
            let mut part = Part {
                // A short piece is answered together with the speech before it.
                seconds: piece.end - piece.sound.duration()..piece.end,
                weight: (piece.end - piece.start) as f32,
                probability: 0.0,
            };
            if let Some(features) = self.features_of_speech(&part.of(sound))? {
                part.probability = self.probability_of(&features, speaker, emotion)?;
                parts.push(part);
            }
        }
        if parts.is_empty() {
            parts.push(Part {
                seconds: 0.0..sound.duration(),
                weight: 1.0,
                probability: self.probability_of(&self.features(sound)?, speaker, emotion)?,
            });
        }
        let total: f32 = parts.iter().map(|part| part.weight).sum();
        parts.iter_mut().for_each(|part| part.weight /= total);
        Ok(parts)
    }

    /// Computes the probability of a label from the features of a sound.
    fn probability_of(
        &self,
        features: &[Features],
        speaker: Option<&Enrolment>,
        emotion: usize,
    ) -> Result<f32> {
        let probabilities = self.probabilities(features, speaker)?;
        Ok(probabilities.get(emotion).copied().unwrap_or_default())
    }
}

/// Returns a recording at a sampling rate that an [`Occlusion`] can afford, which takes sixteen bytes for each sample. What a
/// higher rate has more reaches no model.
fn analysed<'s>(model: &Model, sound: Cow<'s, Waveform>) -> Result<Cow<'s, Waveform>> {
    let highest = HIGHEST_RATE.max(highest_rate(model).unwrap_or(0));
    if sound.sample_rate <= highest {
        return Ok(sound);
    }
    Ok(Cow::Owned(sound.resample(highest)?))
}

/// Returns the edges of the cells in seconds.
fn times(clip: &Waveform) -> Vec<f64> {
    let cells = (clip.duration() / CELL_SECONDS) as usize;
    let cells = cells.clamp(SPAN, MOST_TIMES);
    let edge = |i| clip.duration() * i as f64 / cells as f64;
    (0..=cells).map(edge).collect()
}

/// Returns the highest frequency of a clip that reaches the model, in Hz.
fn top(model: &Model, clip: &Waveform) -> f64 {
    let rate = highest_rate(model).unwrap_or(clip.sample_rate);
    f64::from(rate.min(clip.sample_rate)) / 2.0
}

/// Returns the highest sampling rate in Hz to which the model resamples.
fn highest_rate(model: &Model) -> Option<u32> {
    let views = model.views().into_iter();
    views.map(|view| view.sample_rate).max()
}

/// Returns the edges of the cells in Hz. The last edge is exactly `top`.
fn bands(top: f64) -> Vec<f64> {
    let mels = MelScale::Slaney.from_hz(top);
    let edge = |i| MelScale::Slaney.to_hz(mels * i as f64 / BANDS as f64);
    // Converting the last edge to mel and back would round it, for some rates to more than half the sampling rate.
    (0..BANDS).map(edge).chain([top]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spectrogram_reaches_half_of_every_sampling_rate() {
        for sample_rate in [6_000, 8_000, 9_600, 11_025, 16_000, 22_050, 44_100, 48_000] {
            let sound = Waveform {
                samples: (0..sample_rate).map(|i| (i as f32 * 0.3).sin()).collect(),
                sample_rate,
            };
            let explanation = Explanation {
                answer: Answer {
                    probabilities: vec![1.0],
                    seconds: 1.0,
                    warnings: Vec::new(),
                    out_of_distribution: false,
                    long: false,
                    uncertain: false,
                },
                seconds: vec![0.0, 1.0],
                hertz: bands(f64::from(sample_rate) / 2.0),
                patches: Vec::new(),
            };
            let levels = explanation.spectrogram(&sound).unwrap();
            assert_eq!(levels.coefficients(), ROWS, "{sample_rate} Hz");
        }
    }

    #[test]
    fn only_a_sampling_rate_that_no_model_needs_is_lowered() {
        let model = Model::built_in().unwrap();
        for (rate, expected) in [(44_100, 44_100), (48_000, 48_000), (192_000, 48_000)] {
            let sound = Waveform::new(vec![0.1; rate as usize], rate);
            let analysed = analysed(&model, Cow::Borrowed(&sound)).unwrap();
            assert_eq!(analysed.sample_rate, expected);
            assert_eq!(analysed.samples.len(), expected as usize);
        }
    }

    #[test]
    fn the_strongest_patches_do_not_overlap() {
        let patch = |start: f64, drop: f32| Patch {
            region: Region {
                seconds: start..start + 0.2,
                hertz: 0.0..500.0,
            },
            drop,
        };
        let explanation = Explanation {
            answer: Answer {
                probabilities: vec![1.0],
                seconds: 0.8,
                warnings: Vec::new(),
                out_of_distribution: false,
                long: false,
                uncertain: false,
            },
            seconds: vec![0.0, 0.8],
            hertz: vec![0.0, 500.0],
            patches: vec![
                patch(0.0, 0.1),
                patch(0.1, 0.3),
                patch(0.25, 0.2),
                patch(0.4, 0.15),
                patch(0.6, -0.1),
                patch(0.65, 0.05),
                patch(0.9, 0.04),
            ],
        };
        let words = [0, 4].map(|i| explanation.patches[i].words("angry"));
        assert_eq!(words[0], "0.0–0.2 s, 0–500 Hz: −10 points for angry");
        assert_eq!(words[1], "0.6–0.8 s, 0–500 Hz: +10 points for angry");
        let drops = explanation.strongest().into_iter().map(|p| p.drop);
        assert_eq!(drops.collect::<Vec<_>>(), [0.3, 0.15, 0.05]);
    }
}
