//! Calibration: whether predictions with a confidence of 0.7 are correct in seven of ten cases.

use crate::Predictions;

/// Number of confidence bins of equal width (Guo et al. 2017 use 15).
const BINS: usize = 15;

/// The clips whose confidence lies in one range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Lower end of the range, excluded except for 0.
    pub low: f64,
    /// Upper end of the range, included.
    pub high: f64,
    /// Number of clips.
    pub n: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// Share of them that is classified correctly.
    pub accuracy: f64,
}

/// Returns confidence against accuracy in 15 confidence bins of equal width (the reliability diagram of Guo et al.
/// 2017), from the least confident bin on. Bins without clips are left out.
#[must_use]
pub fn reliability(predictions: &Predictions) -> Vec<Bin> {
    let mut sums = [(0_usize, 0.0, 0_usize); BINS];
    for row in predictions.rows() {
        let confidence = f64::from(row.confidence());
        // Bins are open below and closed above, as in the paper.
        let bin = (confidence * BINS as f64).ceil() as usize;
        let (n, sum, right) = &mut sums[bin.clamp(1, BINS) - 1];
        *n += 1;
        *sum += confidence;
        *right += usize::from(row.predicted() == row.truth);
    }
    let edge = |i: usize| i as f64 / BINS as f64;
    let bins = sums.into_iter().enumerate().filter(|(_, (n, ..))| *n > 0);
    bins.map(|(i, (n, confidence, right))| Bin {
        low: edge(i),
        high: edge(i + 1),
        n,
        confidence: confidence / n as f64,
        accuracy: right as f64 / n as f64,
    })
    .collect()
}

/// Returns the expected calibration error: `Σ n |confidence − accuracy| / Σ n` over the bins, or 0 without clips.
pub(crate) fn calibration_error(bins: &[Bin]) -> f64 {
    let gaps = bins
        .iter()
        .map(|bin| bin.n as f64 * (bin.confidence - bin.accuracy).abs());
    let n: usize = bins.iter().map(|bin| bin.n).sum();
    gaps.sum::<f64>() / n.max(1) as f64
}
