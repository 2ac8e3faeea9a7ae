//! Calibration: whether predictions with a confidence of 0.7 are correct in seven of ten cases.

use serde::{Deserialize, Serialize};

use crate::Predictions;

/// Number of confidence bins of equal width (Guo et al. 2017 use 15).
const BINS: usize = 15;

/// The clips whose confidence lies in one range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Prediction;

    #[test]
    fn a_bin_holds_what_lies_in_its_range_and_empty_ones_are_left_out() {
        // Two in the tenth bin, one in the next, one at the upper end of the last bin.
        let confidences = [0.66, 0.65, 0.7, 1.0];
        let rows = confidences.iter().enumerate().map(|(i, &p)| Prediction {
            clip: i.to_string(),
            speaker: "1".to_owned(),
            truth: usize::from(i == 1),
            probabilities: vec![p, 1.0 - p],
            split: "one".to_owned(),
            gender: None,
            intensity: None,
            statement: None,
            attributes: Default::default(),
        });
        let labels = vec!["a".to_owned(), "b".to_owned()];
        let bins = reliability(&Predictions::new(labels, rows.collect()).unwrap());
        let found: Vec<(usize, f64)> = bins.iter().map(|bin| (bin.n, bin.accuracy)).collect();
        assert_eq!(found, [(2, 0.5), (1, 1.0), (1, 1.0)]);
        assert!((bins[0].confidence - 0.655).abs() < 1e-6);
        assert_eq!((bins[0].low, bins[0].high), (9.0 / 15.0, 10.0 / 15.0));
        let expected = (2.0 * (bins[0].confidence - 0.5) + 0.3) / 4.0;
        assert!((calibration_error(&bins) - expected).abs() < 1e-6);
    }
}
