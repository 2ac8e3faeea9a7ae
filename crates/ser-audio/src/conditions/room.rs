//! Synthetic rooms.

use std::f64::consts::PI;

use rand::RngExt;

use super::filter::convolve;
use super::random::{Stream, generator, normal};
use crate::waveform::rms;

/// Speed of sound in m/s.
const SOUND: f64 = 343.0;

/// A kind of room. Each seed gives another room of that kind.
///
/// # Formula
///
/// The impulse response is `h[0] = 1`, the direct sound, followed by random reverberation. The energy of the
/// reverberation decays by 60 dB in `RT60`, and lies below that of the direct sound by the
/// direct-to-reverberant ratio (DRR). `t` seconds after the direct sound, a room of volume `V` produces
/// `4πc³t²/V` reflections per second (Kuttruff, *Room Acoustics*): at first single reflections of either sign,
/// then denser and weaker ones, and Gaussian noise once there is one per sample. The first reflection comes when
/// one is to be expected, `(3V / 4πc³)^⅓` after the direct sound.
///
/// | room | `V` | `RT60` | DRR | like |
/// | --- | --- | --- | --- | --- |
/// | `small` | 50 m³ | 0.3 s | 6 dB | an office, the microphone 0.4 m away |
/// | `large` | 200 m³ | 0.8 s | 0 dB | a lecture room, the microphone 0.9 m away |
///
/// The distances follow from the critical distance `0.057 √(V / RT60)`, at which direct sound and reverberation
/// are equally loud. All frequencies decay at the same rate, which is simpler than in a real room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// `small`
    Small,
    /// `large`
    Large,
}

impl Room {
    /// Returns the seconds in which the reverberation decays by 60 dB.
    pub fn rt60(self) -> f64 {
        match self {
            Room::Small => 0.3,
            Room::Large => 0.8,
        }
    }

    /// Returns the energy of the direct sound divided by that of the reverberation, in dB.
    pub fn direct_to_reverberant_db(self) -> f64 {
        match self {
            Room::Small => 6.0,
            Room::Large => 0.0,
        }
    }

    /// Returns the volume in m³.
    fn volume(self) -> f64 {
        match self {
            Room::Small => 50.0,
            Room::Large => 200.0,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Room::Small => "small",
            Room::Large => "large",
        }
    }

    /// Returns `samples` as spoken in the room, with their own RMS and half of `RT60` after their end.
    pub(crate) fn apply(self, samples: &[f32], rate: u32, seed: u64) -> Vec<f32> {
        let tail = (self.rt60() / 2.0 * f64::from(rate)).round() as usize;
        let mut heard = convolve(samples, &self.impulse_response(rate, seed));
        heard.resize(samples.len() + tail, 0.0);
        let heard: Vec<f32> = heard.into_iter().map(|x| x as f32).collect();
        let level = rms(&heard);
        // Silence has no level to restore.
        let scale = if level > 0.0 {
            rms(samples) / level
        } else {
            1.0
        };
        heard.into_iter().map(|x| x * scale).collect()
    }

    /// Returns `h`, which is as long as `RT60`.
    fn impulse_response(self, rate: u32, seed: u64) -> Vec<f64> {
        let mut rng = generator(seed, Stream::Room);
        let rate = f64::from(rate);
        // The number of reflections up to `t` is `growth · t³ / 3`.
        let growth = 4.0 * PI * SOUND.powi(3) / self.volume();
        let first = (3.0 / growth).cbrt();
        let mut response: Vec<f64> = (0..(self.rt60() * rate).ceil() as usize)
            .map(|i| {
                let t = i as f64 / rate;
                // The energy density follows the decay, however dense the reflections are.
                let reflections = growth * t * t / rate;
                let amplitude = 10f64.powf(-3.0 * t / self.rt60());
                if t < first {
                    0.0
                } else if reflections >= 1.0 {
                    amplitude * normal(&mut rng)
                } else if rng.random_bool(reflections) {
                    let sign = if rng.random() { 1.0 } else { -1.0 };
                    sign * amplitude / reflections.sqrt()
                } else {
                    0.0
                }
            })
            .collect();
        let reverberant = response.iter().map(|x| x * x).sum::<f64>();
        let wanted = 10f64.powf(-self.direct_to_reverberant_db() / 10.0);
        let scale = (wanted / reverberant).sqrt();
        response.iter_mut().for_each(|x| *x *= scale);
        response[0] = 1.0;
        response
    }
}
