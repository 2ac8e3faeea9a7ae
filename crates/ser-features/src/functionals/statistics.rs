//! Statistics of a track, which has one value for each frame of a clip.

/// The names of the values of [`Summary::statistics`].
pub(super) const STATISTICS: [&str; 7] = ["mean", "std", "q05", "q25", "q50", "q75", "q95"];

/// The names of the values of [`Summary::thirds`]: the mean of one third minus that of another.
pub(super) const THIRDS: [&str; 3] = ["third_2_less_1", "third_3_less_2", "third_3_less_1"];

const PERCENTS: [usize; 5] = [5, 25, 50, 75, 95];

/// The values of a clip, one after another.
#[derive(Debug, Default)]
pub(super) struct Summary {
    values: Vec<f32>,
    sorted: Vec<f32>,
}

impl Summary {
    pub(super) fn clear(&mut self) {
        self.values.clear();
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    pub(super) fn push(&mut self, value: f64) {
        self.values.push(value as f32);
    }

    /// Adds the mean, the standard deviation and the percentiles of a track; zeros if the track is empty.
    pub(super) fn statistics(&mut self, track: &[f32]) {
        let (mean, std) = mean_and_std(track);
        self.push(mean);
        self.push(std);
        sort(track, &mut self.sorted);
        for percent in PERCENTS {
            let value = percentile(&self.sorted, percent);
            self.push(value);
        }
    }

    /// Adds how the mean changes from each third of the track to the later ones. If the thirds cannot have
    /// equal lengths, the first ones are longer by one. The change is 0 if one of two thirds is empty.
    pub(super) fn thirds(&mut self, track: &[f32]) {
        let end = |part: usize| part * (track.len() / 3) + part.min(track.len() % 3);
        for (early, late) in [(0, 1), (1, 2), (0, 2)] {
            let [early, late] = [early, late].map(|part| &track[end(part)..end(part + 1)]);
            let moved = if early.is_empty() || late.is_empty() {
                0.0
            } else {
                mean(late) - mean(early)
            };
            self.push(moved);
        }
    }
}

/// Returns the mean of a track, 0 if it is empty.
pub(super) fn mean(track: &[f32]) -> f64 {
    sum(track, f64::from) / track.len().max(1) as f64
}

pub(super) fn mean_abs(track: &[f32]) -> f64 {
    sum(track, |value| f64::from(value.abs())) / track.len().max(1) as f64
}

/// Returns the mean and the sample standard deviation (`n − 1`), which is 0 for a single value.
pub(super) fn mean_and_std(track: &[f32]) -> (f64, f64) {
    let mean = mean(track);
    let squares = sum(track, |value| (f64::from(value) - mean).powi(2));
    let freedom = track.len().saturating_sub(1).max(1);
    (mean, (squares / freedom as f64).sqrt())
}

#[inline(always)]
fn sum(track: &[f32], of: impl Fn(f32) -> f64) -> f64 {
    /// Number of independent sums, so that no addition waits for another.
    const SUMS: usize = 8;
    let (blocks, rest) = track.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for block in blocks {
        for (sum, &value) in sums.iter_mut().zip(block) {
            *sum += of(value);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&value| of(value)).sum::<f64>()
}

/// Sorts the values, which must be finite, in ascending order.
pub(super) fn sort(track: &[f32], sorted: &mut Vec<f32>) {
    sorted.clear();
    sorted.extend_from_slice(track);
    // Integers in the same order as the floats, and back again: sorting them takes half the time.
    let key = |bits: u32| bits ^ (((bits as i32) >> 31) as u32 >> 1);
    sorted
        .iter_mut()
        .for_each(|x| *x = f32::from_bits(key(x.to_bits())));
    sorted.sort_unstable_by_key(|x| x.to_bits() as i32);
    sorted
        .iter_mut()
        .for_each(|x| *x = f32::from_bits(key(x.to_bits())));
}

/// Returns a percentile with linear interpolation between neighbours, as `numpy.percentile` does. The
/// position is computed with integers, so that a position that falls on a value gives exactly that value.
pub(super) fn percentile(sorted: &[f32], percent: usize) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let position = percent * last;
    let (below, share) = (position / 100, (position % 100) as f64 / 100.0);
    let [low, high] = [below, (below + 1).min(last)].map(|index| f64::from(sorted[index]));
    low + (high - low) * share
}

/// Computes the slope at each frame over `reach` frames on both sides.
///
/// # Formula
/// `Σᵢ i·(z[t+i] − z[t−i]) / (2·Σᵢ i²)`, `i = 1 … reach`. Beyond its ends, the track keeps its first
/// and last value. (`delta` fits the outermost frames instead, and needs `2·reach + 1` of them.)
pub(super) fn slopes(track: &[f32], reach: usize, slopes: &mut Vec<f32>) {
    let last = track.len().saturating_sub(1);
    let squares: usize = (1..=reach).map(|i| i * i).sum();
    let scale = 1.0 / (2 * squares) as f32;
    slopes.clear();
    slopes.resize(track.len(), 0.0);
    for i in 1..=reach {
        let weight = i as f32;
        // First the frames that lack a neighbour at this distance on one side.
        let edge = i.min(track.len());
        for t in (0..edge).chain((track.len() - edge).max(edge)..track.len()) {
            slopes[t] += weight * (track[(t + i).min(last)] - track[t.saturating_sub(i)]);
        }
        let both = track.get(2 * i..).unwrap_or_default().iter().zip(track);
        for (slope, (after, before)) in slopes.iter_mut().skip(i).zip(both) {
            *slope += weight * (after - before);
        }
    }
    slopes.iter_mut().for_each(|slope| *slope *= scale);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values are those of `numpy.percentile` and `numpy.array_split`.
    #[test]
    fn four_values_have_numpys_statistics() {
        let mut summary = Summary::default();
        summary.statistics(&[4.0, 1.0, 2.0, 10.0]);
        summary.thirds(&[4.0, 1.0, 2.0, 10.0]);
        let expected = [4.25, 4.031_129, 1.15, 1.75, 3.0, 5.5, 9.1, -0.5, 8.0, 7.5];
        for (value, expected) in summary.values().iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{value}, not {expected}");
        }
        assert_eq!(summary.values().len(), expected.len());
    }

    #[test]
    fn one_value_and_none_have_statistics_too() {
        let mut summary = Summary::default();
        summary.statistics(&[3.0]);
        summary.thirds(&[3.0]);
        assert_eq!(
            summary.values(),
            [3.0, 0.0, 3.0, 3.0, 3.0, 3.0, 3.0, 0.0, 0.0, 0.0]
        );
        summary.clear();
        summary.statistics(&[]);
        summary.thirds(&[]);
        assert_eq!(summary.values(), [0.0; 10]);
    }

    #[test]
    fn a_ramp_rises_evenly_but_at_its_ends() {
        let ramp: Vec<f32> = (0..8).map(|t| 3.0 * t as f32).collect();
        let mut slope = Vec::new();
        slopes(&ramp, 2, &mut slope);
        // At the first frame (1·3 + 2·6) / 10, at the second (1·6 + 2·9) / 10.
        let expected = [1.5, 2.4, 3.0, 3.0, 3.0, 3.0, 2.4, 1.5];
        for (slope, expected) in slope.iter().zip(expected) {
            assert!((slope - expected).abs() < 1e-6, "{slope}, not {expected}");
        }
        slopes(&[5.0], 5, &mut slope);
        assert_eq!(slope, [0.0]);
    }
}
