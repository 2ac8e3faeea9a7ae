//! Random numbers that are the same on every platform and in every version of the random crates: this module takes
//! ChaCha words and implements the few derivations itself.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A random number generator; each pair of seed and stream has an independent sequence.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Returns a uniform number in `0..bound`. The high half of the product has a bias of less than `bound / 2^64`.
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Shuffles the items (Fisher-Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Returns a uniform number in `[low, high)`.
    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        low + (high - low) * unit
    }

    /// Returns the sum of twelve uniform numbers minus 6: mean 0, variance 1, and never beyond 6, which suits a voice.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform(0.0, 1.0)).sum::<f64>() - 6.0
    }

    /// Returns white noise in `[-1, 1)`; it is cheap enough for every sample.
    pub(crate) fn noise(&mut self) -> f32 {
        self.0.next_u32().cast_signed() as f32 / (1u32 << 31) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffles_are_permutations_that_depend_on_seed_and_stream() {
        let shuffled = |seed, stream| {
            let mut items: Vec<u32> = (0..50).collect();
            Random::new(seed, stream).shuffle(&mut items);
            items
        };
        let mut sorted = shuffled(1, 2);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<u32>>());
        assert_eq!(shuffled(1, 2), shuffled(1, 2));
        assert_ne!(shuffled(1, 2), shuffled(1, 3));
        assert_ne!(shuffled(1, 2), shuffled(2, 2));
    }

    /// An update of a dependency must not change the splits.
    #[test]
    fn the_sequence_is_pinned() {
        let mut items: Vec<u32> = (0..8).collect();
        Random::new(7, 1).shuffle(&mut items);
        assert_eq!(items, PINNED);
    }

    const PINNED: [u32; 8] = [0, 2, 6, 4, 3, 5, 1, 7];

    #[test]
    fn every_position_is_equally_likely() {
        let mut counts = [0; 5];
        let mut random = Random::new(3, 0);
        for _ in 0..10_000 {
            counts[random.below(5)] += 1;
        }
        assert!(
            counts.iter().all(|count| (1850..2150).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let mut random = Random::new(4, 0);
        let drawn: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }
}
