//! Measurements of the quality of a recording, and warnings.

use std::f64::consts::TAU;
use std::fmt;
use std::sync::Arc;

use realfft::RealToComplex;
use realfft::num_complex::Complex;
use serde::{Serialize, Serializer};

use crate::damage::Damage;
use crate::voice_activity::{Segment, VoiceActivity};
use crate::waveform::Waveform;

/// What can be measured of a recording without knowing what is said in it.
///
/// Frames of 30 to 60 ms (a power of two of samples, half overlapping, Hann window) are *active* where
/// [`VoiceActivity`] finds speech, and *background* if they are among the quietest tenth. Both use only frequencies
/// from 60 Hz on, because lower ones are not speech.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quality {
    /// Length in seconds.
    pub seconds: f64,
    /// Level of the active frames in dBFS, or of all frames if there is no speech: the RMS, where a
    /// constant 1 has 0 dB; at least −120.
    pub level_db: f64,
    /// The largest magnitude; full scale is 1.
    pub peak: f64,
    /// Share of the samples that lie in flat tops, from 0 to 1. A flat top is three or more samples in a row that
    /// differ from the largest or the smallest value of the recording by at most 2⁻¹⁴ of the peak.
    pub clipped: f64,
    /// Frequency in Hz below which 99 % of the energy of the active frames lies. The mean spectrum of the background
    /// is subtracted first (bands of 200 Hz that are not 3 dB above it are left out), and
    /// each band is weighted by its frequency squared, because speech falls by that much and more.
    pub bandwidth_hz: f64,
    /// Energy of the active frames minus that of the background, divided by that of the background, in dB
    /// from −20 to 100. Speech without pauses is its own background, so the ratio is too low if a recording is cut tightly
    /// around it.
    pub snr_db: f64,
    /// Seconds of speech.
    pub speech_seconds: f64,
    /// Whether the samples come from 16 bits or fewer: whether all are multiples of 2⁻¹⁶, which includes the mean of
    /// two such channels.
    pub is_coarse: bool,
}

/// A property of a recording that makes an answer from it uncertain.
///
/// It is displayed as a plain sentence with the figure, and serialised as its [`word`](Self::word).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// No speech was found.
    NoSpeech,
    /// There is little speech.
    TooShort {
        /// Seconds of speech.
        seconds: f64,
    },
    /// The speech is not far above the smallest steps of 16-bit samples.
    VeryQuiet {
        /// RMS of the active part in dBFS.
        level_db: f64,
    },
    /// Peaks are cut off.
    Clipped {
        /// Share of the samples that are cut off.
        share: f64,
    },
    /// The band is as narrow as that of a telephone.
    Narrowband {
        /// Upper end of the band in Hz.
        bandwidth_hz: f64,
    },
    /// The speech is hardly louder than the background, which is measured in the quietest tenth of the frames. A recording
    /// that is cut tightly around speech, without pauses, may be called noisy although it is not.
    Noisy {
        /// Signal-to-noise ratio in dB.
        snr_db: f64,
    },
    /// Something is missing, as [`AudioStream::damage`](crate::AudioStream::damage) reports.
    Damaged(Damage),
    /// The answer is for the mean of channels that have nothing in common, as
    /// [`AudioStream::are_channels_apart`](crate::AudioStream::are_channels_apart) reports.
    ChannelsApart,
}

/// The least length of a frame in seconds; it is extended to a power of two of samples.
const FRAME: f64 = 0.03;
/// Lowest frequency that counts, in Hz.
const LOWEST: f64 = 60.0;
/// Share of the frames that count as background.
const QUIETEST: f64 = 0.1;
/// Width in Hz of the bands in which speech and background are compared. They are wide enough that random
/// differences of single bins do not count.
const BAND: f64 = 200.0;
/// Power of an audible band relative to the background: 3 dB.
const AUDIBLE: f64 = 2.0;
/// Share of the weighted energy below the bandwidth.
const WITHIN_BANDWIDTH: f64 = 0.99;
/// Number of samples in a row that make a flat top, and their distance from the extreme as a share of the peak.
const FLAT: usize = 3;
const FLATNESS: f32 = 1.0 / 16_384.0;
/// Bounds of the levels and ratios in dB.
const LOWEST_LEVEL: f64 = -120.0;
const SNR: (f64, f64) = (-20.0, 100.0);

/// Below this number of seconds, there is too little speech.
const SHORT: f64 = 0.5;
/// Below this level in dBFS, 16-bit speech is very quiet: it is 30 dB above the steps.
const QUIET: f64 = -60.0;
/// Number of steps from 0 to full scale of the mean of two 16-bit channels.
const STEPS: f32 = 65_536.0;
/// From this share of clipped samples on, a recording is clipped.
const CLIPPED: f64 = 0.0005;
/// Below this bandwidth in Hz, the band is narrow.
const NARROW: f64 = 4500.0;
/// Below this ratio in dB, a recording is noisy.
const NOISY: f64 = 15.0;

impl Quality {
    /// Measures a recording or a part of one.
    pub fn of(waveform: &Waveform) -> Self {
        Self::of_restored(waveform, waveform)
    }

    /// Measures a recording whose faults were removed: `restored` is what [`restored`](crate::restored()) returned for `recorded`.
    /// Peak, clipping and steps are those of the recording, because restoration tilts flat tops and moves values between the steps.
    pub fn of_restored(restored: &Waveform, recorded: &Waveform) -> Self {
        let mut voice = VoiceActivity::new(restored.sample_rate);
        voice.push(&restored.samples);
        voice.finish();
        let speech: Vec<Segment> = voice.drain().collect();

        let mut spectra = Spectra::new(restored);
        let is_active = |centre: u64| {
            let next = speech.partition_point(|segment| segment.end <= centre);
            speech.is_empty()
                || speech
                    .get(next)
                    .is_some_and(|segment| segment.start <= centre)
        };
        let mut active = Mean::default();
        let energies: Vec<f64> = (0..spectra.frames())
            .map(|frame| {
                let centre = spectra.centre(frame);
                let powers = spectra.of_frame(frame);
                if is_active(centre) {
                    active.add(powers);
                }
                sum(powers)
            })
            .collect();
        let mut background = Mean::default();
        for frame in quietest(&energies) {
            background.add(spectra.of_frame(frame));
        }
        let active = active.over(spectra.bins());
        let background = background.over(spectra.bins());

        let level = active.iter().sum::<f64>();
        let noise = background.iter().sum::<f64>();
        let band = ((BAND / spectra.hertz(1)) as usize).clamp(1, active.len());
        let above: Vec<f64> = active
            .chunks(band)
            .zip(background.chunks(band))
            .map(|(active, background)| (active.iter().sum(), background.iter().sum()))
            .map(|(active, background): (f64, f64)| {
                if active > AUDIBLE * background {
                    active - background
                } else {
                    0.0
                }
            })
            .collect();
        let last = (bandwidth(&above) * band).min(active.len() - 1);
        let (lowest, highest) = range(&recorded.samples);
        let mut clipped = cut_off(&recorded.samples, lowest, highest);
        if !std::ptr::eq(restored, recorded) {
            // A click that was removed had hidden that quieter tops are flat.
            let (lowest, highest) = range(&restored.samples);
            clipped = clipped.max(cut_off(&restored.samples, lowest, highest));
        }
        Self {
            seconds: restored.duration(),
            level_db: decibels(level).max(LOWEST_LEVEL),
            peak: highest.max(-lowest).into(),
            clipped,
            bandwidth_hz: spectra.hertz(last),
            snr_db: if level > noise {
                decibels((level - noise) / noise).clamp(SNR.0, SNR.1)
            } else {
                SNR.0
            },
            speech_seconds: speech
                .iter()
                .fold(0.0, |sum, segment| sum + segment.seconds()),
            is_coarse: recorded.samples.iter().all(|x| (x * STEPS).fract() == 0.0),
        }
    }

    /// Returns what makes an answer from the recording uncertain; empty for a good recording.
    pub fn warnings(&self) -> Vec<Warning> {
        if self.speech_seconds == 0.0 {
            return vec![Warning::NoSpeech];
        }
        let all = [
            (self.speech_seconds < SHORT).then_some(Warning::TooShort {
                seconds: self.speech_seconds,
            }),
            (self.level_db < QUIET && self.is_coarse).then_some(Warning::VeryQuiet {
                level_db: self.level_db,
            }),
            (self.clipped >= CLIPPED).then_some(Warning::Clipped {
                share: self.clipped,
            }),
            // Noise may hide the upper part of the band.
            (self.bandwidth_hz < NARROW && self.snr_db >= NOISY).then_some(Warning::Narrowband {
                bandwidth_hz: self.bandwidth_hz,
            }),
            (self.snr_db < NOISY).then_some(Warning::Noisy {
                snr_db: self.snr_db,
            }),
        ];
        all.into_iter().flatten().collect()
    }
}

impl Warning {
    /// Returns the name in one word, for machines: `no-speech`, `too-short`, `very-quiet`, `clipped`, `narrowband`,
    /// `noisy`, `damaged` or `channels-apart`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoSpeech => "no-speech",
            Self::TooShort { .. } => "too-short",
            Self::VeryQuiet { .. } => "very-quiet",
            Self::Clipped { .. } => "clipped",
            Self::Narrowband { .. } => "narrowband",
            Self::Noisy { .. } => "noisy",
            Self::Damaged(_) => "damaged",
            Self::ChannelsApart => "channels-apart",
        }
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoSpeech => write!(f, "no speech was found"),
            Self::TooShort { seconds } => write!(f, "too short: {seconds:.2} s of speech"),
            Self::VeryQuiet { level_db } => {
                write!(
                    f,
                    "very quiet: the speech has a level of {level_db:.0} dBFS"
                )
            }
            Self::Clipped { share } => write!(
                f,
                "clipped: {:.2} % of the samples are cut off at the peak",
                100.0 * share
            ),
            Self::Narrowband { bandwidth_hz } => write!(
                f,
                "narrow band: nothing above {:.1} kHz, as on the telephone",
                bandwidth_hz / 1000.0
            ),
            Self::Noisy { snr_db } => {
                write!(f, "noisy: a signal-to-noise ratio of {snr_db:.0} dB")
            }
            Self::Damaged(damage) => damage.fmt(f),
            Self::ChannelsApart => write!(
                f,
                "the channels have nothing in common, as in a call, and the answer is for their mean: choose one with `--channel 1`"
            ),
        }
    }
}

/// Returns the frames with the least energy, at least one.
fn quietest(energies: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..energies.len()).collect();
    order.sort_by(|&a, &b| energies[a].total_cmp(&energies[b]));
    order.truncate((QUIETEST * energies.len() as f64).ceil() as usize);
    order
}

/// Returns the number of bands that contain the share [`WITHIN_BANDWIDTH`] of the energy, with each band weighted by
/// its frequency squared; 0 without energy.
fn bandwidth(bands: &[f64]) -> usize {
    let weighted = |(band, power): (usize, &f64)| (band as f64 + 0.5).powi(2) * power;
    let total: f64 = bands.iter().enumerate().map(weighted).sum();
    let mut sum = 0.0;
    let before = bands.iter().enumerate().map(weighted).take_while(|power| {
        sum += power;
        sum < WITHIN_BANDWIDTH * total
    });
    before.count() + usize::from(total > 0.0)
}

/// Returns the smallest and the largest value, including 0.
fn range(samples: &[f32]) -> (f32, f32) {
    let (mut low, mut high) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    for block in samples.chunks(LANES) {
        for ((low, high), &x) in low.iter_mut().zip(&mut high).zip(block) {
            *low = if x < *low { x } else { *low };
            *high = if x > *high { x } else { *high };
        }
    }
    (
        low.into_iter().fold(0.0, f32::min),
        high.into_iter().fold(0.0, f32::max),
    )
}

/// Returns the share of the samples, which range from `lowest` to `highest`, that lie in flat tops.
fn cut_off(samples: &[f32], lowest: f32, highest: f32) -> f64 {
    if highest == lowest {
        return 0.0;
    }
    let margin = FLATNESS * highest.max(-lowest);
    let (bottom, top) = (lowest + margin, highest - margin);
    let is_edge = |x: f32| (x <= bottom) | (x >= top);
    let long_enough = |side: i8, run: usize| if side != 0 && run >= FLAT { run } else { 0 };
    let (mut flat, mut side, mut run) = (0, 0, 0);
    // Most blocks have no sample at an edge, which is quick to find out.
    for block in samples.chunks(4 * LANES) {
        if !block.iter().fold(false, |any, &x| any | is_edge(x)) {
            flat += long_enough(side, run);
            (side, run) = (0, 0);
            continue;
        }
        for &x in block {
            let here = i8::from(x >= top) - i8::from(x <= bottom);
            if here != side {
                flat += long_enough(side, run);
                (side, run) = (here, 0);
            }
            run += 1;
        }
    }
    flat += long_enough(side, run);
    flat as f64 / samples.len() as f64
}

/// Number of values that are processed side by side, so that none waits for another.
const LANES: usize = 8;

fn sum(values: &[f64]) -> f64 {
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for block in blocks {
        for (sum, value) in sums.iter_mut().zip(block) {
            *sum += value;
        }
    }
    sums.iter().chain(rest).sum()
}

fn decibels(power: f64) -> f64 {
    10.0 * power.log10()
}

/// The power spectra of the frames of a waveform.
struct Spectra<'a> {
    waveform: &'a Waveform,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    bins: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    powers: Vec<f64>,
}

impl<'a> Spectra<'a> {
    fn new(waveform: &'a Waveform) -> Self {
        let length = (FRAME * f64::from(waveform.sample_rate)).max(2.0) as usize;
        let length = length.next_power_of_two();
        let fft = ser_fourier::real_forward(length);
        let window = (0..length)
            .map(|n| (0.5 - 0.5 * (TAU * n as f64 / length as f64).cos()) as f32)
            .collect();
        Self {
            waveform,
            window,
            input: fft.make_input_vec(),
            bins: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            powers: vec![0.0; length / 2 + 1],
            fft,
        }
    }

    fn hop(&self) -> usize {
        self.window.len() / 2
    }

    /// Returns the number of frames. A waveform shorter than a frame has one, filled up with silence.
    fn frames(&self) -> usize {
        let samples = self.waveform.samples.len();
        samples.saturating_sub(self.window.len()) / self.hop() + usize::from(samples > 0)
    }

    /// Returns the sample in the middle of a frame.
    fn centre(&self, frame: usize) -> u64 {
        ((frame + 1) * self.hop()) as u64
    }

    /// Returns the mean square of each bin. Their sum is the mean square of a frame that is as loud throughout.
    fn of_frame(&mut self, frame: usize) -> &[f64] {
        let start = frame * self.hop();
        let samples = &self.waveform.samples[start..];
        let inside = samples.len().min(self.input.len());
        let (filled, silent) = self.input.split_at_mut(inside);
        for ((input, sample), window) in filled.iter_mut().zip(samples).zip(&self.window) {
            *input = sample * window;
        }
        silent.fill(0.0);
        self.powers.fill(0.0);
        // This cannot fail: the lengths are those of the plan.
        if self
            .fft
            .process_with_scratch(&mut self.input, &mut self.bins, &mut self.scratch)
            .is_ok()
        {
            let first = (LOWEST / self.hertz(1)).ceil() as usize;
            // The factor 2 is for the negative frequencies; 3/8 is the mean square of the window.
            let scale = 2.0 / (0.375 * (self.window.len() as f64).powi(2));
            let first = first.min(self.bins.len());
            let powers = self.powers[first..].iter_mut();
            for (power, bin) in powers.zip(&self.bins[first..]) {
                *power = scale * f64::from(bin.norm_sqr());
            }
        }
        &self.powers
    }

    /// Returns the number of bins.
    fn bins(&self) -> usize {
        self.powers.len()
    }

    /// Returns the frequency of a bin in Hz.
    fn hertz(&self, bin: usize) -> f64 {
        bin as f64 * f64::from(self.waveform.sample_rate) / self.window.len() as f64
    }
}

/// The mean of spectra.
#[derive(Default)]
struct Mean {
    sums: Vec<f64>,
    count: usize,
}

impl Mean {
    fn add(&mut self, powers: &[f64]) {
        self.sums.resize(powers.len(), 0.0);
        for (sum, power) in self.sums.iter_mut().zip(powers) {
            *sum += power;
        }
        self.count += 1;
    }

    /// Returns the mean over `bins` bins; zeros if there were no spectra.
    fn over(mut self, bins: usize) -> Vec<f64> {
        self.sums.resize(bins, 0.0);
        let share = 1.0 / self.count.max(1) as f64;
        self.sums.iter_mut().for_each(|sum| *sum *= share);
        self.sums
    }
}
