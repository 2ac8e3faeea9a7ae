//! Applies rooms, narrow bands and noise to log-mel spectrograms while a batch is built.
//!
//! A copy of a clip under a condition has one room or one noise, the same in every epoch. This module draws a
//! new distortion each time a clip comes up, for copies at every pitch, and takes little time compared with the
//! network.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, StandardNormal};
use ser_features::Features;
use ser_recipe::Recipe;

use crate::error::Result;
use ser_predict::subtract_level;

/// Lower and upper end of a uniform distribution.
type Range = (f32, f32);

/// Reverberation time in seconds, over which the reverberation decays by 60 dB; uniform on a logarithmic scale.
const RT60: Range = (0.2, 1.2);
/// Decay in dB after which the reverberation is cut behind the end of a clip, which is where silence trimming would cut it.
const TAIL_DB: f32 = 20.0;
/// Ratio of the energy of the direct sound to that of the reverberation, in dB.
const DIRECT_TO_REVERBERANT_DB: Range = (-4.0, 10.0);
/// Lower edge of a narrow band in Hz, as of telephones and small loudspeakers.
const LOW_EDGE_HZ: Range = (150.0, 450.0);
/// Upper edge of a narrow band in Hz.
const HIGH_EDGE_HZ: Range = (3000.0, 7000.0);
/// Attenuation outside a narrow band, in dB.
const REJECTION_DB: Range = (20.0, 60.0);
/// Signal-to-noise ratio in dB, over all bands.
const SIGNAL_TO_NOISE_DB: Range = (0.0, 35.0);
/// Slope of the noise spectrum above [`TILT_FROM_HZ`] in dB per octave: from steeper than the spectrum of speech to white.
const TILT_DB: Range = (-12.0, 0.0);
/// Frequency in Hz above which the long-term spectrum of speech falls.
const TILT_FROM_HZ: f32 = 500.0;
/// Standard deviation in dB of the level of the noise over time: from steady noise to the variation of syllables.
const UNSTEADINESS_DB: Range = (0.0, 6.0);
/// Time constant in seconds of the autocorrelation of the noise level.
const SYLLABLE: f32 = 0.1;

/// Distorts prepared log-mel spectrograms, in dB, at random.
///
/// # Formula
/// With the power `p[t, b]` of frame `t` and band `b`, each step is applied with the probability of the recipe:
/// a room adds `g·(1 − a)·Σₖ aᵏ·p[t − k, b]` with `a = 10^(−6·Δt/RT60)` and `g` the reverberant energy;
/// noise adds a level per band and frame; a narrow band multiplies all bands beyond its edges.
/// Reverberation and noise fluctuate like the power of a Gaussian signal averaged over two independent values
/// (a gamma distribution of shape 2 and mean 1). At the end, levels more than the view's `top_db` below the
/// loudest are raised to that floor.
#[derive(Debug)]
pub(crate) struct Distortion {
    probability: f64,
    relative_level: bool,
    top_db: f32,
    /// Hop between prepared frames in seconds.
    step: f32,
    /// Centre of each band in Hz.
    centres: Vec<f32>,
}

impl Distortion {
    /// Returns the distortion of a recipe, or `None` if the recipe distorts nothing.
    pub(crate) fn of(recipe: &Recipe) -> Option<Self> {
        let probability = recipe.augmentation.distortion;
        let config = &recipe.features;
        let hop = config.hop_length * recipe.input.average;
        (probability > 0.0).then(|| Self {
            probability,
            relative_level: recipe.input.relative_level,
            top_db: config.top_db.map_or(f32::INFINITY, |db| db as f32),
            step: hop as f32 / config.sample_rate as f32,
            centres: config.mel_centres().iter().map(|&hz| hz as f32).collect(),
        })
    }

    /// Returns the distorted clip.
    pub(crate) fn apply(&self, clip: &Features, rng: &mut ChaCha8Rng) -> Result<Features> {
        let bands = clip.coefficients().max(1);
        let mut power: Vec<f32> = clip.as_slice().iter().map(|&db| from_db(db)).collect();
        if rng.random_bool(self.probability) {
            self.reverberate(&mut power, bands, rng);
        }
        if rng.random_bool(self.probability) {
            self.add_noise(&mut power, bands, rng);
        }
        if rng.random_bool(self.probability) {
            self.narrow(&mut power, rng);
        }
        let loudest = power.iter().copied().fold(0.0, f32::max);
        let floor = (loudest * from_db(-self.top_db)).max(f32::MIN_POSITIVE);
        let mut levels = power;
        for level in &mut levels {
            *level = 10.0 * level.max(floor).log10();
        }
        if self.relative_level {
            subtract_level(&mut levels);
        }
        let frames = levels.len() / bands;
        Ok(Features::from_parts(levels, frames, clip.coefficients())?)
    }

    fn reverberate(&self, power: &mut Vec<f32>, bands: usize, rng: &mut ChaCha8Rng) {
        let rt60 = draw((RT60.0.ln(), RT60.1.ln()), rng).exp();
        let energy = from_db(-draw(DIRECT_TO_REVERBERANT_DB, rng));
        let decay = from_db(-60.0 * self.step / rt60);
        let tail = (rt60 * TAIL_DB / 60.0 / self.step).round() as usize;
        power.resize(power.len() + tail * bands, 0.0);
        let mut late = vec![0.0; bands];
        for row in power.chunks_exact_mut(bands) {
            for (p, late) in row.iter_mut().zip(&mut late) {
                *late = decay * *late + (1.0 - decay) * energy * *p;
                *p += *late * fluctuation(rng);
            }
        }
    }

    fn add_noise(&self, power: &mut [f32], bands: usize, rng: &mut ChaCha8Rng) {
        let tilt = draw(TILT_DB, rng);
        let octaves = |hz: f32| (hz / TILT_FROM_HZ).log2().max(0.0);
        let spectrum: Vec<f32> = self
            .centres
            .iter()
            .map(|&hz| from_db(tilt * octaves(hz)))
            .collect();
        let frames = (power.len() / bands).max(1) as f32;
        let speech = power.iter().sum::<f32>() / frames;
        let wanted = speech * from_db(-draw(SIGNAL_TO_NOISE_DB, rng));
        let scale = wanted / spectrum.iter().sum::<f32>();
        let spread = draw(UNSTEADINESS_DB, rng);
        let memory = (-self.step / SYLLABLE).exp();
        let mut level: f32 = StandardNormal.sample(rng);
        for row in power.chunks_exact_mut(bands) {
            let new: f32 = StandardNormal.sample(rng);
            level = memory * level + (1.0 - memory * memory).sqrt() * new;
            let frame = scale * from_db(spread * level);
            for (p, noise) in row.iter_mut().zip(&spectrum) {
                *p += frame * noise * fluctuation(rng);
            }
        }
    }

    fn narrow(&self, power: &mut [f32], rng: &mut ChaCha8Rng) {
        let (low, high) = (draw(LOW_EDGE_HZ, rng), draw(HIGH_EDGE_HZ, rng));
        let rejection = from_db(-draw(REJECTION_DB, rng));
        for (p, &hz) in power.iter_mut().zip(self.centres.iter().cycle()) {
            if hz < low || hz > high {
                *p *= rejection;
            }
        }
    }
}

fn from_db(db: f32) -> f32 {
    10f32.powf(db / 10.0)
}

fn draw(range: Range, rng: &mut ChaCha8Rng) -> f32 {
    rng.random_range(range.0..=range.1)
}

/// Draws from a gamma distribution of shape 2 and mean 1.
fn fluctuation(rng: &mut ChaCha8Rng) -> f32 {
    let (a, b): (f32, f32) = (Exp1.sample(rng), Exp1.sample(rng));
    (a + b) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use ser_recipe::Experiment;

    /// The view of `robust-cnn-pitch`: bands of 25 Hz up to 2 kHz, frames of 20 ms.
    fn distortion() -> Distortion {
        let mut recipe = Experiment::load("robust-cnn-pitch")
            .unwrap()
            .into_recipe()
            .unwrap();
        recipe.augmentation.distortion = 1.0;
        Distortion::of(&recipe).unwrap()
    }

    fn over_seeds(check: impl Fn(&Distortion, &mut ChaCha8Rng)) {
        let distortion = distortion();
        (0..200).for_each(|seed| check(&distortion, &mut ChaCha8Rng::seed_from_u64(seed)));
    }

    fn db(power: f32) -> f32 {
        10.0 * power.log10()
    }

    #[test]
    fn a_room_keeps_the_sound_and_lets_it_die_away() {
        over_seeds(|distortion, rng| {
            let bands = distortion.centres.len();
            let mut power = vec![0.0; 2 * bands];
            power[..bands].fill(1.0);
            distortion.reverberate(&mut power, bands, rng);
            let rows: Vec<f32> = power
                .chunks(bands)
                .map(|row| row.iter().sum::<f32>() / bands as f32)
                .collect();
            let (direct, late) = (&rows[0], &rows[1..]);
            assert!(*direct > 1.0 && late.iter().all(|&p| p > 0.0 && p < *direct));
            // The mean of 80 values of shape 2 is nearly always within a fifth of its expectation. The
            // energy that is cut after the tail is one hundredth of the whole.
            let reverberant = db(rows.iter().sum::<f32>() - 1.0);
            let (least, most) = DIRECT_TO_REVERBERANT_DB;
            assert!(
                (-most - 1.0..=-least + 1.0).contains(&reverberant),
                "{reverberant}"
            );
            let seconds = rows.len() as f32 * distortion.step;
            assert!(
                (RT60.0 / 3.0..=RT60.1 / 3.0 + 0.1).contains(&seconds),
                "{seconds}"
            );
        });
    }

    #[test]
    fn noise_is_added_at_the_ratio_and_falls_with_frequency() {
        over_seeds(|distortion, rng| {
            let bands = distortion.centres.len();
            let mut power = vec![1.0; 400 * bands];
            distortion.add_noise(&mut power, bands, rng);
            assert!(power.iter().all(|&p| p >= 1.0));
            let band = |b: usize| {
                power[b..]
                    .iter()
                    .step_by(bands)
                    .map(|p| p - 1.0)
                    .sum::<f32>()
            };
            let noise: f32 = (0..bands).map(band).sum();
            let ratio = -db(noise / power.len() as f32);
            // The level over time varies around the drawn ratio; unsteady noise has louder moments.
            let (least, most) = SIGNAL_TO_NOISE_DB;
            assert!((least - 8.0..=most + 4.0).contains(&ratio), "{ratio}");
            assert!(band(0) > 0.7 * band(bands - 1), "no more above than below");
        });
    }

    #[test]
    fn a_narrow_band_leaves_its_middle_alone() {
        over_seeds(|distortion, rng| {
            let mut power = vec![1.0; 3 * distortion.centres.len()];
            distortion.narrow(&mut power, rng);
            for (p, hz) in power.iter().zip(distortion.centres.iter().cycle()) {
                match *hz {
                    hz if hz < LOW_EDGE_HZ.0 => assert!((1e-6..=1.01e-2).contains(p)),
                    hz if hz > LOW_EDGE_HZ.1 => assert_eq!(*p, 1.0),
                    _ => {}
                }
            }
        });
    }

    #[test]
    fn what_comes_out_has_no_level_and_no_more_range_than_the_view() {
        over_seeds(|distortion, rng| {
            let bands = distortion.centres.len();
            let mut levels: Vec<f32> = (0..90 * bands).map(|i| -((i % 97) as f32)).collect();
            subtract_level(&mut levels);
            let clip = Features::from_parts(levels, 90, bands).unwrap();
            let distorted = distortion.apply(&clip, rng).unwrap();
            assert!(distorted.frames() > 90 && distorted != clip);
            let levels = distorted.as_slice();
            let mean = levels.iter().sum::<f32>() / levels.len() as f32;
            assert!(mean.abs() < 1e-2, "{mean}");
            let most = levels.iter().copied().fold(f32::MIN, f32::max);
            let least = levels.iter().copied().fold(f32::MAX, f32::min);
            assert!((0.0..=60.01).contains(&(most - least)), "{}", most - least);
        });
    }
}
