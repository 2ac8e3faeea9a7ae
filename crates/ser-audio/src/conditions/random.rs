//! Random numbers that depend only on the seed and on their purpose.

use std::f64::consts::TAU;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The purpose of the numbers. Each purpose has its own sequence for every seed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    White,
    Babble,
    Room,
    Silence,
}

/// Returns the sequence of a seed and a purpose.
pub(crate) fn generator(seed: u64, stream: Stream) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream as u64);
    rng
}

/// Draws a number from the normal distribution with mean 0 and variance 1 (Box & Muller 1958).
pub(crate) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    // 1 − u is never 0, whose logarithm would be infinite.
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (TAU * rng.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_the_moments_of_their_distribution() {
        let mut rng = generator(5, Stream::White);
        let drawn: Vec<f64> = (0..100_000).map(|_| normal(&mut rng)).collect();
        let moment = |k| drawn.iter().map(|x| x.powi(k)).sum::<f64>() / 100_000.0;
        assert!(moment(1).abs() < 0.02, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.02, "{}", moment(2));
        assert!((moment(4) - 3.0).abs() < 0.15, "{}", moment(4));
    }

    #[test]
    fn every_seed_and_every_use_has_numbers_of_its_own() {
        let first = |seed, stream| normal(&mut generator(seed, stream));
        assert_eq!(first(1, Stream::White), first(1, Stream::White));
        assert_ne!(first(1, Stream::White), first(2, Stream::White));
        assert_ne!(first(1, Stream::White), first(1, Stream::Silence));
    }
}
