//! Multinomial logistic regression that starts from given scores, with a penalty on moving away from them.

/// Largest number of steps of the descent. Well-conditioned problems need far fewer.
const STEPS: usize = 2000;
/// The descent ends when no component of the gradient has a larger magnitude.
const TOLERANCE: f64 = 1e-4;

/// The rows to learn from, and the Gram matrix of the standardised rows, which are centred and have a mean squared norm
/// of 1.
#[derive(Debug)]
pub(crate) struct Examples<'a> {
    rows: &'a [Vec<f32>],
    mean: Vec<f64>,
    scale: f64,
    /// `[n, n]`: the products `(x − mean)·(x′ − mean) / scale² + 1` of all pairs of rows, where the 1 stands for the
    /// bias.
    gram: Vec<f64>,
}

/// The terms that are added to the weights and the bias of a linear layer.
#[derive(Debug, Clone)]
pub(crate) struct Correction {
    /// `[K, E]`
    pub(crate) weight: Vec<f32>,
    /// `[K]`
    pub(crate) bias: Vec<f32>,
}

impl<'a> Examples<'a> {
    /// Standardises rows `[n][E]`, of which there must be at least one.
    pub(crate) fn new(rows: &'a [Vec<f32>]) -> Self {
        let n = rows.len();
        let mut mean = vec![0.0_f64; rows.first().map_or(0, Vec::len)];
        for row in rows {
            let terms = mean.iter_mut().zip(row);
            terms.for_each(|(mean, x)| *mean += f64::from(*x) / n as f64);
        }
        let centred = |row: &Vec<f32>| -> Vec<f64> {
            let values = row.iter().zip(&mean);
            values.map(|(x, mean)| f64::from(*x) - mean).collect()
        };
        let centred: Vec<Vec<f64>> = rows.iter().map(centred).collect();
        let squares = centred.iter().map(|row| dot(row, row)).sum::<f64>() / n as f64;
        // If all rows are equal, any scale will do, but division by 0 must be avoided.
        let scale = squares.sqrt().max(f64::from(f32::MIN_POSITIVE));
        let mut gram = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let product = dot(&centred[i], &centred[j]) / (scale * scale) + 1.0;
                gram[i * n + j] = product;
                gram[j * n + i] = product;
            }
        }
        Self {
            rows,
            mean,
            scale,
            gram,
        }
    }

    /// Computes the correction `ΔW, Δb` that minimises
    ///
    /// `Σᵢ wᵢ · cross-entropy(sᵢ + ΔW x̃ᵢ + Δb, targetᵢ) + ridge/2 · (‖ΔW‖² + ‖Δb‖²)`,
    ///
    /// where `s` `[n][K]` are the scores that the layer gives without the correction and `x̃` are the standardised
    /// rows. The penalty is that of L2-SP (Li et al. 2018) on the last layer. The method is accelerated gradient
    /// descent (Nesterov) in the span of the rows, which contains a solution.
    pub(crate) fn fit(
        &self,
        scores: &[Vec<f32>],
        targets: &[usize],
        weights: &[f64],
        ridge: f64,
    ) -> Correction {
        let (n, classes) = (self.rows.len(), scores.first().map_or(0, Vec::len));
        // The curvature of the loss is at most half the largest eigenvalue of the weighted Gram matrix, which is at
        // most the largest row sum of absolute values (Gershgorin).
        let row_sum = |i: usize| -> f64 {
            let row = self.gram[i * n..(i + 1) * n].iter().zip(weights);
            row.map(|(product, w)| product.abs() * (w * weights[i]).sqrt())
                .sum()
        };
        let curvature = 0.5 * (0..n).map(row_sum).fold(0.0, f64::max);
        let step = 1.0 / (curvature + ridge);
        let root = (ridge * step).sqrt();
        let momentum = (1.0 - root) / (1.0 + root);
        let mut dual = vec![0.0; n * classes];
        let mut ahead = dual.clone();
        for _ in 0..STEPS {
            let mut largest = 0.0_f64;
            let residuals = self.residuals(&ahead, scores, targets, weights);
            for (i, residual) in residuals.iter().enumerate() {
                let gradient = residual + ridge * ahead[i];
                largest = largest.max(gradient.abs());
                let next = ahead[i] - step * gradient;
                ahead[i] = next + momentum * (next - dual[i]);
                dual[i] = next;
            }
            if largest < TOLERANCE {
                break;
            }
        }
        self.correction(&dual, classes)
    }

    /// Returns `w · (p − target)` for each row and class: `[n, K]`.
    fn residuals(
        &self,
        dual: &[f64],
        scores: &[Vec<f32>],
        targets: &[usize],
        weights: &[f64],
    ) -> Vec<f64> {
        let n = scores.len();
        let classes = dual.len() / n.max(1);
        let mut residuals = Vec::with_capacity(dual.len());
        for (i, scores) in scores.iter().enumerate() {
            let mut row: Vec<f64> = scores.iter().map(|s| f64::from(*s)).collect();
            let products = &self.gram[i * n..(i + 1) * n];
            for (product, dual) in products.iter().zip(dual.chunks_exact(classes.max(1))) {
                let terms = row.iter_mut().zip(dual);
                terms.for_each(|(score, a)| *score += product * a);
            }
            let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.iter_mut()
                .for_each(|score| *score = (*score - most).exp());
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|p| *p *= weights[i] / sum);
            row[targets[i]] -= weights[i];
            residuals.extend(row);
        }
        residuals
    }

    fn correction(&self, dual: &[f64], classes: usize) -> Correction {
        let width = self.mean.len();
        let (mut weight, mut bias) = (vec![0.0; classes * width], vec![0.0; classes]);
        for (row, dual) in self.rows.iter().zip(dual.chunks_exact(classes.max(1))) {
            for (class, a) in dual.iter().enumerate() {
                let values = row.iter().zip(&self.mean);
                let terms = weight[class * width..][..width].iter_mut().zip(values);
                let share = a / (self.scale * self.scale);
                terms.for_each(|(w, (x, mean))| *w += share * (f64::from(*x) - mean));
                bias[class] += a;
            }
        }
        for (class, bias) in bias.iter_mut().enumerate() {
            *bias -= dot(&weight[class * width..][..width], &self.mean);
        }
        let narrow = |values: Vec<f64>| values.into_iter().map(|x| x as f32).collect();
        Correction {
            weight: narrow(weight),
            bias: narrow(bias),
        }
    }
}

/// Computes `scores += W x + b`, with `W` `[K, E]`.
pub(crate) fn add_products(scores: &mut [f32], weight: &[f32], bias: &[f32], x: &[f32]) {
    let rows = weight.chunks_exact(x.len().max(1)).zip(bias);
    for (score, (row, bias)) in scores.iter_mut().zip(rows) {
        *score += row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + bias;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns rows of two classes that differ in their first value. No row belongs to the third class.
    fn rows() -> (Vec<Vec<f32>>, Vec<usize>) {
        let row = |i: u8| {
            let side = if i.is_multiple_of(2) { 1.0 } else { -1.0 };
            vec![
                5.0 + side + 0.1 * f32::from(i),
                3.0 - 0.2 * f32::from(i % 3),
                0.7,
            ]
        };
        ((0..10).map(row).collect(), (0..10).map(|i| i % 2).collect())
    }

    fn scores(rows: &[Vec<f32>], correction: &Correction) -> Vec<Vec<f32>> {
        let of = |row: &Vec<f32>| {
            let mut scores = vec![0.0; 3];
            add_products(&mut scores, &correction.weight, &correction.bias, row);
            scores
        };
        rows.iter().map(of).collect()
    }

    /// Computes from its definition what [`Examples::fit`] minimises, for a correction of the rows before
    /// standardisation.
    fn objective(rows: &[Vec<f32>], targets: &[usize], correction: &Correction, ridge: f64) -> f64 {
        let examples = Examples::new(rows);
        let losses = scores(rows, correction).into_iter().zip(targets);
        let loss: f64 = losses
            .map(|(scores, &target)| {
                let sum: f64 = scores.iter().map(|s| f64::from(*s).exp()).sum();
                sum.ln() - f64::from(scores[target])
            })
            .sum();
        // ΔW = ΔW̃ / scale and Δb = Δb̃ − ΔW mean.
        let weights = correction
            .weight
            .iter()
            .map(|w| (f64::from(*w) * examples.scale).powi(2));
        let biases = correction
            .bias
            .iter()
            .zip(correction.weight.chunks(3))
            .map(|(bias, row)| {
                let row: Vec<f64> = row.iter().map(|w| f64::from(*w)).collect();
                (f64::from(*bias) + dot(&row, &examples.mean)).powi(2)
            });
        loss + ridge / 2.0 * (weights.sum::<f64>() + biases.sum::<f64>())
    }

    #[test]
    fn no_step_in_any_direction_lowers_what_is_minimised() {
        let (rows, targets) = rows();
        let zeros = vec![vec![0.0; 3]; rows.len()];
        for ridge in [0.1, 1.0, 10.0] {
            let fitted = Examples::new(&rows).fit(&zeros, &targets, &[1.0; 10], ridge);
            let least = objective(&rows, &targets, &fitted, ridge);
            for place in 0..12 {
                for step in [-0.01, 0.01] {
                    let mut other = fitted.clone();
                    match place {
                        0..9 => other.weight[place] += step,
                        _ => other.bias[place - 9] += step,
                    }
                    let found = objective(&rows, &targets, &other, ridge);
                    assert!(
                        found > least - 1e-6,
                        "ridge {ridge}, value {place}: {found} {least}"
                    );
                }
            }
        }
    }

    #[test]
    fn classes_are_told_apart_and_a_strong_ridge_leaves_them_as_they_were() {
        let (rows, targets) = rows();
        let zeros = vec![vec![0.0; 3]; rows.len()];
        let fit = |ridge| Examples::new(&rows).fit(&zeros, &targets, &[1.0; 10], ridge);
        for (scores, target) in scores(&rows, &fit(0.1)).iter().zip(&targets) {
            assert!(scores[*target] > scores[1 - target] + 1.0, "{scores:?}");
        }
        let strong = scores(&rows, &fit(1e6));
        assert!(strong.iter().flatten().all(|score| score.abs() < 1e-4));
    }

    #[test]
    fn an_excluded_class_keeps_its_weights() {
        let (rows, targets) = rows();
        let scores = vec![vec![0.0, 0.0, f32::NEG_INFINITY]; rows.len()];
        let fitted = Examples::new(&rows).fit(&scores, &targets, &[1.0; 10], 1.0);
        assert_eq!((&fitted.weight[6..], fitted.bias[2]), (&[0.0; 3][..], 0.0));
        assert!(fitted.weight[0] > 0.1);
    }

    #[test]
    fn rows_that_are_all_alike_give_a_finite_correction() {
        let rows = vec![vec![1.0, 2.0]; 4];
        let fitted =
            Examples::new(&rows).fit(&vec![vec![0.0; 2]; 4], &[0, 0, 0, 1], &[1.0; 4], 1.0);
        assert!(
            fitted
                .weight
                .iter()
                .chain(&fitted.bias)
                .all(|x| x.is_finite())
        );
        assert!(fitted.bias[0] > fitted.bias[1]);
    }
}
