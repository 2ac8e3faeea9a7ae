//! Temperature scaling, which calibrates probabilities.

use crate::Predictions;

/// The lowest and the highest temperature that [`fit_temperature`] returns.
const RANGE: (f64, f64) = (0.1, 10.0);

/// Divides the logarithms of the probabilities by `temperature` and normalises their sum to one:
/// `pᵢ ← pᵢ^(1/T) / Σ pⱼ^(1/T)`. A temperature above 1 flattens, one below 1 sharpens; the order stays the same.
///
/// ```
/// let mut p = [0.8, 0.2];
/// ser_eval::temper(&mut p, 2.0);
/// assert!((p[0] - 2.0 / 3.0).abs() < 1e-6); // √0.8 : √0.2 = 2 : 1
/// ```
pub fn temper(probabilities: &mut [f32], temperature: f64) {
    if temperature == 1.0 {
        return;
    }
    let power = |p: f32| f64::from(p).powf(1.0 / temperature);
    // Divide by the largest probability, so that a low temperature cannot turn all of them into zeros.
    let largest = probabilities
        .iter()
        .copied()
        .fold(f32::MIN_POSITIVE, f32::max);
    let scaled: Vec<f64> = probabilities.iter().map(|p| power(p / largest)).collect();
    let sum: f64 = scaled.iter().sum();
    for (p, scaled) in probabilities.iter_mut().zip(scaled) {
        *p = (scaled / sum) as f32;
    }
}

/// Returns the temperature with the lowest mean log loss on these predictions (Guo et al. 2017), from 0.1 to 10, with
/// three digits. It is found by golden-section search over its logarithm. Fit it on validation clips.
#[must_use]
pub fn fit_temperature(predictions: &Predictions) -> f64 {
    let loss = |log_temperature: f64| -> f64 {
        let rows = predictions.rows().iter();
        rows.map(|row| {
            let mut p = row.probabilities.clone();
            temper(&mut p, log_temperature.exp());
            -f64::from(p[row.truth].max(f32::MIN_POSITIVE)).ln()
        })
        .sum()
    };
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (RANGE.0.ln(), RANGE.1.ln());
    let mut inner = [high - golden * (high - low), low + golden * (high - low)];
    let mut losses = inner.map(loss);
    while high - low > 1e-3 {
        // The loss has a single minimum, so the range beyond the worse inner point is dropped.
        if losses[0] < losses[1] {
            high = inner[1];
            inner = [high - golden * (high - low), inner[0]];
            losses = [loss(inner[0]), losses[0]];
        } else {
            low = inner[0];
            inner = [inner[1], low + golden * (high - low)];
            losses = [losses[1], loss(inner[1])];
        }
    }
    ((low + high) / 2.0).exp()
}
