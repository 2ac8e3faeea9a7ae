//! The configuration of the whole chain, which is validated once.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::formants::Formants;
use crate::functionals;
use crate::harmonics::Harmonics;
use crate::mel;

/// The version of the computation. It increases with every change that alters the value of a feature while the
/// version of this crate stays the same, so that a stored feature of an older program never counts as a new one. Decoding is a part of
/// the computation: it also increases if `ser-audio` reads other samples from a recording.
pub const ALGORITHM_VERSION: u32 = 6;

/// Upper limits. A configuration may come from an untrusted file, and no real analysis comes near
/// these values.
pub(crate) const MAX_SAMPLE_RATE: u32 = 1_000_000;
const MAX_N_FFT: usize = 1 << 18;
const MAX_N_MELS: usize = 4096;
const MAX_HOP_LENGTH: usize = 1 << 24;
const MAX_DELTA_WIDTH: usize = 1023;
/// Outside this range, single precision cannot represent the differences between the weights of a lifter.
const LIFTERS: std::ops::RangeInclusive<f64> = 1e-3..=1e6;

/// F0 is searched up to 600 Hz, which is half of this.
const F0_MIN_SAMPLE_RATE: u32 = 1200;
/// The third formant lies below 4 kHz, which is half of this.
pub(crate) const FORMANTS_MIN_SAMPLE_RATE: u32 = 8000;
/// The shortest window in seconds for harmonics. It does not separate the harmonics of a low voice: their ratios to noise
/// are bounded by the window and encode pitch too, under longer windows as well (`docs/features.md`).
const HARMONICS_MIN_WINDOW: f64 = 0.04;

/// How a signal becomes features. The defaults are those of librosa, except that `n_mfcc` is 40 (librosa: 20).
///
/// In a TOML file, the keys are the names of the fields (`ref` for [`reference`](Self::reference)).
/// A missing key has its default; an unknown key is an error.
///
/// ```
/// use ser_features::{FeatureConfig, MelScale};
///
/// let config: FeatureConfig = toml::from_str("sample_rate = 16000\nmel_scale = \"htk\"")?;
/// config.validate()?;
/// assert_eq!(config.mel_scale, MelScale::Htk);
/// assert_eq!((config.n_fft, config.coefficients()), (2048, 40));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureConfig {
    /// Sampling rate in Hz to which every signal is resampled. Default 22 050.
    pub sample_rate: u32,
    /// Plays the signal `2^(semitones/12)` times as fast, −12 to 12. Pitch, formants and tempo change
    /// together, as if another voice spoke. A signal with the sampling rate `R` counts as one with
    /// `R · 2^(semitones/12)` Hz, rounded to the nearest 100 Hz, so that the ratio of the rates is one of
    /// small numbers. Samples that come without a rate of their own
    /// ([`extract_into`](crate::FeatureExtractor::extract_into),
    /// [`spectrogram`](crate::FeatureExtractor::spectrogram)) do not change.
    /// Default 0: the original speed.
    #[serde(skip_serializing_if = "is_zero")]
    pub semitones: f64,
    /// Trims frames that are this many dB or more below the loudest frame from both ends.
    /// Default: no trimming.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trim_db: Option<f64>,
    /// Coefficient `a` of the pre-emphasis `y[n] = x[n] − a·x[n−1]`, for example 0.97. The first value is
    /// `y[0] = 3·x[0] − x[1]`, as in librosa. Default: no pre-emphasis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_emphasis: Option<f64>,
    /// Length of the Fourier transform in samples, 2 to 2¹⁸. Default 2048.
    pub n_fft: usize,
    /// Length of the window in samples, centred in `n_fft`. Default: `n_fft`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub win_length: Option<usize>,
    /// Hop length: samples from one frame to the next, up to 2²⁴. Default 512.
    pub hop_length: usize,
    /// Shape of the window. Default [`Window::Hann`].
    pub window: Window,
    /// Whether frame `t` is centred on sample `t · hop_length` (the signal is padded) or
    /// starts there. Default `true`.
    pub center: bool,
    /// How a centred signal is padded. Default [`PadMode::Constant`].
    pub pad_mode: PadMode,
    /// Exponent of the magnitude spectrum: 2 for power, 1 for magnitude. Default 2.
    pub power: f64,
    /// Number of mel bands. Default 128.
    pub n_mels: usize,
    /// Formula that converts between Hz and mel. Default [`MelScale::Slaney`].
    pub mel_scale: MelScale,
    /// Scaling of each mel band. Default [`MelNorm::Slaney`].
    pub mel_norm: MelNorm,
    /// Lower edge of the lowest mel band in Hz. Default 0.
    pub fmin: f64,
    /// Upper edge of the highest mel band in Hz. Default: half the sampling rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fmax: Option<f64>,
    /// The features that the chain returns. Default [`Output::Mfcc`].
    pub output: Output,
    /// Power that counts as 0 dB. Default 1.
    #[serde(rename = "ref")]
    pub reference: f64,
    /// Smallest power of which a logarithm is taken, also in trimming. Default 1e-10.
    pub amin: f64,
    /// Levels more than this many dB below the loudest level of the signal are raised to that limit.
    /// Default 80; `top_db = false` in a file turns it off (`None`).
    #[serde(with = "number_or_false")]
    pub top_db: Option<f64>,
    /// Number of cepstral coefficients. Default 40.
    pub n_mfcc: usize,
    /// Whether [`Output::Functionals`] use levels relative to the average of the clip, so that the loudness of
    /// a recording has no effect. Default `true`.
    pub relative_level: bool,
    /// Cepstral liftering `1 + lifter/2 · sin(π(n+1)/lifter)`, 0.001 to 10⁶; 0 turns it off. Default 0.
    pub lifter: f64,
    /// Derivatives along time. 0: none; 1: first; 2: first and second. Default 0.
    pub deltas: u8,
    /// Number of frames that a derivative is fitted to, odd, 3 to 1023. Default 9.
    pub delta_width: usize,
    /// Extra rows, in this order, after the coefficients and their derivatives. Default: none.
    pub extras: Vec<Extra>,
}

impl Default for FeatureConfig {
    fn default() -> Self {
        Self {
            sample_rate: 22_050,
            semitones: 0.0,
            trim_db: None,
            pre_emphasis: None,
            n_fft: 2048,
            win_length: None,
            hop_length: 512,
            window: Window::Hann,
            center: true,
            pad_mode: PadMode::Constant,
            power: 2.0,
            n_mels: 128,
            mel_scale: MelScale::Slaney,
            mel_norm: MelNorm::Slaney,
            fmin: 0.0,
            fmax: None,
            output: Output::Mfcc,
            reference: 1.0,
            amin: 1e-10,
            top_db: Some(80.0),
            n_mfcc: 40,
            relative_level: true,
            lifter: 0.0,
            deltas: 0,
            delta_width: 9,
            extras: Vec::new(),
        }
    }
}

/// Shape of the analysis window, periodic (as from `scipy.signal.get_window`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// `0.5 − 0.5·cos(2πn/N)`
    Hann,
    /// `0.54 − 0.46·cos(2πn/N)`
    Hamming,
    /// `0.42 − 0.5·cos(2πn/N) + 0.08·cos(4πn/N)`
    Blackman,
    /// `1 − |2n/N − 1|`
    Bartlett,
    /// 1
    Rectangular,
}

/// Padding before the first and after the last sample of a centred signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PadMode {
    /// Zeros.
    Constant,
    /// The signal mirrored at its first and last sample (which are not repeated).
    Reflect,
    /// The first and the last sample repeated.
    Edge,
}

/// Formula that converts between frequency and mel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MelScale {
    /// Linear below 1 kHz, logarithmic above (Slaney's Auditory Toolbox, 1998).
    Slaney,
    /// `2595·log10(1 + f/700)` (the HTK Book).
    Htk,
}

/// Scaling of each mel band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MelNorm {
    /// Each triangle has an area of 1 (in Hz).
    Slaney,
    /// Each triangle has a height of 1.
    None,
}

/// The features that the chain returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// `n_mfcc` cepstral coefficients: the DCT of the log-mel levels.
    Mfcc,
    /// `n_mels` levels in dB.
    LogMel,
    /// `n_mels` band energies.
    Mel,
    /// One row of statistics over time for the whole clip. [`FeatureConfig::coefficients`] and
    /// [`FeatureConfig::coefficient_names`] return its length and names. The statistics describe the levels
    /// in dB, their `n_mfcc` cepstral coefficients, the shape of the spectrum, and the modulation. If
    /// `extras` begins with `"f0"`, they also describe the voice: F0 and the extras that follow it, of
    /// `"aperiodicity"`, `"harmonics"` and `"formants"`. The loudness of the recording has no effect unless
    /// [`relative_level`](FeatureConfig::relative_level) is `false`.
    ///
    /// Functionals need at least 24 mel bands, some of them centred below 1 kHz, from 2 to 5 kHz and above
    /// 5 kHz, at least 13 cepstral coefficients, and 0 `deltas`. The levels of the whole clip are in memory
    /// at once.
    ///
    /// ```
    /// use ser_audio::Waveform;
    /// use ser_features::{FeatureConfig, FeatureExtractor, Output};
    ///
    /// let config = FeatureConfig {
    ///     output: Output::Functionals,
    ///     ..FeatureConfig::default()
    /// };
    /// let tone = (0..22_050).map(|n| (n as f32 * 0.1).sin()).collect();
    /// let values = FeatureExtractor::new(&config)?.extract(&Waveform::new(tone, 22_050))?;
    /// let names = config.coefficient_names();
    /// assert_eq!((values.frames(), values.coefficients()), (1, names.len()));
    /// assert_eq!(names[0], "mfcc_0_mean");
    /// # Ok::<(), ser_features::Error>(())
    /// ```
    Functionals,
}

/// Extra rows after the coefficients. Each row has one value per frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// Root mean square of the samples of the frame.
    Rms,
    /// Share of the samples of the frame whose sign differs from that of the sample before.
    ZeroCrossingRate,
    /// Mean frequency in Hz, weighted by magnitude.
    SpectralCentroid,
    /// Frequency in Hz below which 85 % of the magnitude lies.
    SpectralRolloff,
    /// Geometric mean of the power divided by its arithmetic mean: 0 for a tone, 1 for a flat spectrum.
    SpectralFlatness,
    /// Fundamental frequency in Hz, about 60 to 600, in the 50 ms around the centre of the frame; 0 if the frame
    /// is unvoiced. The range of periods is rounded outwards to whole samples, and the period found is refined. The
    /// sampling rate must be at least 1200 Hz.
    F0,
    /// How little these 50 ms repeat; see [`Pitch::aperiodicity`](crate::Pitch::aperiodicity).
    Aperiodicity,
    /// Eight rows in dB that tell a breathy voice from a pressed one and a clear voice from a rough one; see
    /// [`Harmonics`](crate::Harmonics). They are 0 where F0 is 0. The sampling rate must be at least 8 kHz,
    /// and the window at least 40 ms long.
    Harmonics,
    /// Six rows: frequency and bandwidth in Hz of the first three formants; see
    /// [`Formants`](crate::Formants). They are 0 where F0 is 0 and where fewer formants are found. The
    /// sampling rate must be at least 8 kHz.
    Formants,
}

impl Extra {
    /// All extra rows.
    pub const ALL: [Self; 9] = [
        Self::Rms,
        Self::ZeroCrossingRate,
        Self::SpectralCentroid,
        Self::SpectralRolloff,
        Self::SpectralFlatness,
        Self::F0,
        Self::Aperiodicity,
        Self::Harmonics,
        Self::Formants,
    ];
    /// The rows about the voice, from which [`Output::Functionals`] computes its statistics of the voice.
    pub const VOICE: [Self; 4] = [
        Self::F0,
        Self::Aperiodicity,
        Self::Harmonics,
        Self::Formants,
    ];

    /// Returns the name in a TOML file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rms => "rms",
            Self::ZeroCrossingRate => "zero_crossing_rate",
            Self::SpectralCentroid => "spectral_centroid",
            Self::SpectralRolloff => "spectral_rolloff",
            Self::SpectralFlatness => "spectral_flatness",
            Self::F0 => "f0",
            Self::Aperiodicity => "aperiodicity",
            Self::Harmonics => "harmonics",
            Self::Formants => "formants",
        }
    }

    /// Returns the names of its rows in [`FeatureConfig::coefficient_names`].
    pub fn rows(self) -> &'static [&'static str] {
        match self {
            Self::Rms => &["rms"],
            Self::ZeroCrossingRate => &["zero_crossing_rate"],
            Self::SpectralCentroid => &["spectral_centroid"],
            Self::SpectralRolloff => &["spectral_rolloff"],
            Self::SpectralFlatness => &["spectral_flatness"],
            Self::F0 => &["f0"],
            Self::Aperiodicity => &["aperiodicity"],
            Self::Harmonics => &Harmonics::NAMES,
            Self::Formants => &Formants::NAMES,
        }
    }

    /// Returns whether it describes a voice and therefore needs F0.
    pub(crate) fn is_vocal(self) -> bool {
        match self {
            Self::F0 | Self::Aperiodicity | Self::Harmonics | Self::Formants => true,
            Self::Rms
            | Self::ZeroCrossingRate
            | Self::SpectralCentroid
            | Self::SpectralRolloff
            | Self::SpectralFlatness => false,
        }
    }

    /// Returns whether it needs the spectrum of every frame, and not only that of the voiced ones.
    pub(crate) fn needs_spectrum(self) -> bool {
        matches!(
            self,
            Self::SpectralCentroid | Self::SpectralRolloff | Self::SpectralFlatness
        )
    }

    /// Returns the lowest sampling rate in Hz at which it can be computed.
    fn min_sample_rate(self) -> u32 {
        match self {
            Self::F0 | Self::Aperiodicity => F0_MIN_SAMPLE_RATE,
            Self::Harmonics | Self::Formants => FORMANTS_MIN_SAMPLE_RATE,
            _ => 1,
        }
    }
}

impl FeatureConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// [`Error::Config`] with the first key whose value is out of range.
    pub fn validate(&self) -> Result<()> {
        check(
            "sample_rate",
            self.sample_rate,
            (1..=MAX_SAMPLE_RATE).contains(&self.sample_rate),
            format!("1 to {MAX_SAMPLE_RATE}"),
        )?;
        let valid = (-12.0..=12.0).contains(&self.semitones);
        check(
            "semitones",
            self.semitones,
            valid,
            "a number from -12 to 12",
        )?;
        if let Some(trim_db) = self.trim_db {
            check("trim_db", trim_db, is_positive(trim_db), "a number above 0")?;
        }
        if let Some(a) = self.pre_emphasis {
            let valid = (0.0..=1.0).contains(&a);
            check("pre_emphasis", a, valid, "a number from 0 to 1")?;
        }
        check(
            "n_fft",
            self.n_fft,
            (2..=MAX_N_FFT).contains(&self.n_fft),
            format!("2 to {MAX_N_FFT}"),
        )?;
        check(
            "win_length",
            self.win_length(),
            (1..=self.n_fft).contains(&self.win_length()),
            format!("1 to n_fft = {}", self.n_fft),
        )?;
        check(
            "hop_length",
            self.hop_length,
            (1..=MAX_HOP_LENGTH).contains(&self.hop_length),
            format!("1 to {MAX_HOP_LENGTH}"),
        )?;
        let valid = self.power == 1.0 || self.power == 2.0;
        check("power", self.power, valid, "1 (magnitude) or 2 (power)")?;
        check(
            "n_mels",
            self.n_mels,
            (1..=MAX_N_MELS).contains(&self.n_mels),
            format!("1 to {MAX_N_MELS}"),
        )?;
        let half_rate = f64::from(self.sample_rate) / 2.0;
        check(
            "fmax",
            self.fmax(),
            self.fmax() > 0.0 && self.fmax() <= half_rate,
            format!("above 0 and at most half the sampling rate, {half_rate}"),
        )?;
        check(
            "fmin",
            self.fmin,
            (0.0..self.fmax()).contains(&self.fmin),
            format!("from 0 to below fmax = {}", self.fmax()),
        )?;
        // The logarithm accepts only normal numbers of single precision.
        for (key, level) in [("ref", self.reference), ("amin", self.amin)] {
            let valid = (level as f32).is_normal() && level > 0.0;
            check(key, level, valid, "a number from 1.2e-38 to 3.4e38")?;
        }
        if let Some(top_db) = self.top_db {
            let valid = top_db >= 0.0 && top_db.is_finite();
            check("top_db", top_db, valid, "a number from 0, or false")?;
        }
        if self.output == Output::Mfcc {
            self.validate_n_mfcc()?;
        }
        let valid = self.lifter == 0.0 || LIFTERS.contains(&self.lifter);
        let wanted = format!(
            "0, or a number from {} to {}",
            LIFTERS.start(),
            LIFTERS.end()
        );
        check("lifter", self.lifter, valid, wanted)?;
        check("deltas", self.deltas, self.deltas <= 2, "0, 1 or 2")?;
        check(
            "delta_width",
            self.delta_width,
            (3..=MAX_DELTA_WIDTH).contains(&self.delta_width) && self.delta_width % 2 == 1,
            format!("an odd number from 3 to {MAX_DELTA_WIDTH}"),
        )?;
        for (i, extra) in self.extras.iter().enumerate() {
            let valid = !self.extras[..i].contains(extra);
            check("extras", extra.name(), valid, "each row at most once")?;
            let min_rate = extra.min_sample_rate();
            let expected = format!("{} at {min_rate} Hz or more", extra.name());
            check(
                "extras",
                format!("{} at {} Hz", extra.name(), self.sample_rate),
                self.sample_rate >= min_rate,
                expected,
            )?;
        }
        let window = self.win_length() as f64 / f64::from(self.sample_rate);
        let valid = window >= HARMONICS_MIN_WINDOW || !self.extras.contains(&Extra::Harmonics);
        let wanted = format!("{HARMONICS_MIN_WINDOW} s or more for harmonics");
        check("win_length", format!("{window} s"), valid, wanted)?;
        if self.output == Output::Functionals {
            functionals::validate(self)?;
        }
        Ok(())
    }

    /// Checks the number of cepstral coefficients, which may have any value if the output has none.
    pub(crate) fn validate_n_mfcc(&self) -> Result<()> {
        check(
            "n_mfcc",
            self.n_mfcc,
            (1..=self.n_mels).contains(&self.n_mfcc),
            format!("1 to n_mels = {}", self.n_mels),
        )
    }

    /// Returns the length of the window in samples; `n_fft` if it is not set.
    pub fn win_length(&self) -> usize {
        self.win_length.unwrap_or(self.n_fft)
    }

    /// Returns the configuration of the same features with the signal played faster by
    /// [`semitones`](Self::semitones).
    ///
    /// ```
    /// let slower = ser_features::FeatureConfig::default().faster(-1.0);
    /// assert_eq!(slower.semitones, -1.0);
    /// ```
    #[must_use]
    pub fn faster(&self, semitones: f64) -> Self {
        Self {
            semitones,
            ..self.clone()
        }
    }

    /// Returns the centre of each mel band in Hz, ascending: `[n_mels]`.
    ///
    /// ```
    /// let centres = ser_features::FeatureConfig::default().mel_centres();
    /// assert_eq!(centres.len(), 128);
    /// assert!(centres.is_sorted());
    /// ```
    #[must_use]
    pub fn mel_centres(&self) -> Vec<f64> {
        mel::corners(self)[1..=self.n_mels].to_vec()
    }

    /// Returns the rate in Hz that a signal with the sampling rate `rate` counts as, given
    /// [`semitones`](Self::semitones).
    pub(crate) fn played_rate(&self, rate: u32) -> u32 {
        if self.semitones == 0.0 {
            return rate;
        }
        let played = f64::from(rate) * (self.semitones / 12.0).exp2();
        (100.0 * (played / 100.0).round()) as u32
    }

    /// Returns the upper edge of the mel bands in Hz; half the sampling rate if it is not set.
    pub fn fmax(&self) -> f64 {
        self.fmax.unwrap_or(f64::from(self.sample_rate) / 2.0)
    }

    /// Returns the number of frames of a signal of `samples` samples at [`sample_rate`](Self::sample_rate), or 0
    /// if the signal is too short for one. ([`Output::Functionals`] combines all frames in one row.)
    ///
    /// # Formula
    /// `1 + (samples + p − n_fft) / hop_length`, rounded down, where the padding `p` is
    /// `2·⌊n_fft/2⌋` for a centred signal and 0 otherwise.
    pub fn frames(&self, samples: usize) -> usize {
        let padded = match (samples, self.center) {
            (0, _) => 0,
            (_, true) => samples + self.n_fft / 2 * 2,
            (_, false) => samples,
        };
        match padded.checked_sub(self.n_fft) {
            Some(rest) => 1 + rest / self.hop_length,
            None => 0,
        }
    }

    /// Returns the number of values in each row of the features. There is one row per frame, or one row for the
    /// whole clip ([`Output::Functionals`]).
    pub fn coefficients(&self) -> usize {
        match self.output {
            Output::Functionals => functionals::count(self),
            Output::Mfcc | Output::LogMel | Output::Mel => self.values_per_frame(),
        }
    }

    /// Returns the number of values that the chain computes for each frame, before any functionals.
    pub(crate) fn values_per_frame(&self) -> usize {
        self.base_coefficients() * (1 + usize::from(self.deltas)) + self.extra_rows()
    }

    /// Returns the number of extra rows.
    pub(crate) fn extra_rows(&self) -> usize {
        self.extras.iter().map(|extra| extra.rows().len()).sum()
    }

    /// Returns the number of values in each frame without derivatives and extra rows.
    pub(crate) fn base_coefficients(&self) -> usize {
        match self.output {
            Output::Mfcc => self.n_mfcc,
            Output::LogMel | Output::Mel | Output::Functionals => self.n_mels,
        }
    }

    /// Returns a name for each value in a row: `mfcc_0`, …, `mfcc_0_delta`, …, `mfcc_0_delta2`, …, `rms`. For
    /// [`Output::Functionals`]: `mfcc_0_mean`, `mfcc_0_std`, `mfcc_0_q05`, …
    pub fn coefficient_names(&self) -> Vec<String> {
        let base = match self.output {
            Output::Mfcc => "mfcc",
            Output::LogMel => "log_mel",
            Output::Mel => "mel",
            Output::Functionals => return functionals::names(self),
        };
        let suffixes = ["", "_delta", "_delta2"];
        let mut names = Vec::with_capacity(self.coefficients());
        for suffix in &suffixes[..=usize::from(self.deltas.min(2))] {
            names.extend((0..self.base_coefficients()).map(|i| format!("{base}_{i}{suffix}")));
        }
        let rows = self.extras.iter().flat_map(|extra| extra.rows());
        names.extend(rows.map(|&row| row.to_owned()));
        names
    }

    /// Returns 32 hexadecimal digits that change whenever the features of some signal may change: with any
    /// value of the configuration, and with the version of this crate.
    ///
    /// Equal fingerprints mean equal features, so it is the key of a store of features.
    pub fn fingerprint(&self) -> String {
        // `Debug` prints a float in its shortest exact form, and it includes every field.
        let version = env!("CARGO_PKG_VERSION");
        let canonical = format!("{version} {ALGORITHM_VERSION} {self:?}");
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(canonical.as_bytes()))
    }
}

pub(crate) fn check(
    key: &'static str,
    actual: impl ToString,
    valid: bool,
    expected: impl Into<String>,
) -> Result<()> {
    if valid {
        return Ok(());
    }
    Err(Error::Config {
        key,
        expected: expected.into(),
        actual: actual.to_string(),
    })
}

fn is_positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// TOML has no null, and a missing `top_db` has its default, so `false` turns it off.
mod number_or_false {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a number or false")]
    enum NumberOrFlag {
        Number(f64),
        Flag(bool),
    }

    pub(super) fn serialize<S: Serializer>(
        value: &Option<f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(number) => number.serialize(serializer),
            None => false.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        match NumberOrFlag::deserialize(deserializer)? {
            NumberOrFlag::Number(number) => Ok(Some(number)),
            NumberOrFlag::Flag(false) => Ok(None),
            NumberOrFlag::Flag(true) => Err(D::Error::custom("expected a number or false")),
        }
    }
}
