//! The outline of a recording, for drawing.

/// The smallest and the largest sample of every part of a recording, in memory that does not grow with its length.
///
/// ```
/// let mut peaks = ser_audio::Peaks::new(4);
/// (0..16).for_each(|n| peaks.push(&[n as f32]));
/// assert_eq!(peaks.width(), 4);
/// assert_eq!(peaks.pairs(), [[0.0, 3.0], [4.0, 7.0], [8.0, 11.0], [12.0, 15.0]]);
/// ```
#[derive(Debug, Clone)]
pub struct Peaks {
    /// The smallest number of parts of a long recording; there are fewer than twice as many.
    least: usize,
    width: u64,
    pairs: Vec<[f32; 2]>,
    /// Number of samples in the last part.
    filled: u64,
}

/// A part without a sample.
const NOTHING: [f32; 2] = [f32::INFINITY, f32::NEG_INFINITY];

impl Peaks {
    /// Creates an outline of at least `least` parts but fewer than twice as many. It has fewer only if there are fewer
    /// samples.
    #[must_use]
    pub fn new(least: usize) -> Self {
        Self {
            least: least.max(1),
            width: 1,
            pairs: Vec::new(),
            filled: 1,
        }
    }

    /// Processes the next samples.
    pub fn push(&mut self, samples: &[f32]) {
        let mut rest = samples;
        while !rest.is_empty() {
            if self.filled == self.width {
                if self.pairs.len() + 1 == 2 * self.least {
                    self.halve();
                    continue;
                }
                self.pairs.push(NOTHING);
                self.filled = 0;
            }
            let missing = usize::try_from(self.width - self.filled).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at(rest.len().min(missing));
            if let Some([least, greatest]) = self.pairs.last_mut() {
                for &x in now {
                    *least = least.min(x);
                    *greatest = greatest.max(x);
                }
            }
            self.filled += now.len() as u64;
            rest = later;
        }
    }

    /// Joins every two parts into one.
    fn halve(&mut self) {
        let is_half = self.pairs.len() % 2 == 1;
        let both = |parts: &[[f32; 2]]| {
            let join = |a: [f32; 2], b: &[f32; 2]| [a[0].min(b[0]), a[1].max(b[1])];
            parts.iter().fold(NOTHING, join)
        };
        self.pairs = self.pairs.chunks(2).map(both).collect();
        self.filled = if is_half { self.width } else { 2 * self.width };
        self.width *= 2;
    }

    /// Returns the number of samples in a part. The last part may have fewer.
    #[must_use]
    pub fn width(&self) -> u64 {
        self.width
    }

    /// Returns the smallest and the largest sample of each part.
    #[must_use]
    pub fn pairs(&self) -> &[[f32; 2]] {
        &self.pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_the_extremes_of_their_samples_however_these_come() {
        let samples: Vec<f32> = (0..10_007).map(|n| (n as f32 * 0.37).sin()).collect();
        for block in [1, 7, 1000, samples.len()] {
            let mut peaks = Peaks::new(100);
            samples.chunks(block).for_each(|block| peaks.push(block));
            let parts = samples.chunks(peaks.width() as usize);
            let expected: Vec<[f32; 2]> = parts
                .map(|part| {
                    let least = part.iter().copied().fold(f32::INFINITY, f32::min);
                    [
                        least,
                        part.iter().copied().fold(f32::NEG_INFINITY, f32::max),
                    ]
                })
                .collect();
            assert_eq!(peaks.pairs(), expected);
            assert!((100..200).contains(&expected.len()), "{}", expected.len());
        }
    }
}
