//! Projects the many values of a clip to a point in the plane: the first two principal components.

/// Number of iterations. It is enough for components whose sizes differ by a few percent; if they differ less, any
/// mixture of them shows as much.
const ITERATIONS: usize = 300;

/// Points in the plane, computed by [`principal_plane`].
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// Both coordinates of each item, centred on the origin.
    pub points: Vec<[f64; 2]>,
    /// The share of the variance that each coordinate explains.
    pub explained: [f64; 2],
}

/// Computes a principal component analysis (Pearson 1901) of items that are described by several blocks of values, for
/// example the embeddings of a clip by several networks.
///
/// Each block is centred and divided by the square root of its total variance, so that it counts the same regardless of
/// the number and the scale of its values (multiple factor analysis is similar). Two directions are found by power
/// iteration, the second orthogonal to the first. The sign of a coordinate is chosen so that its value of largest
/// magnitude is positive.
///
/// # Shape
/// `blocks` is `[blocks][items][values]`, with the same items in each block; the result has one point per item. Returns
/// `None` for fewer than three items, blocks of different lengths, values that are not finite, or no variance at all.
///
/// ```
/// // Points on a line in three dimensions: the first coordinate explains everything.
/// let block = vec![vec![0.0, 0.0, 0.0], vec![1.0, 2.0, 2.0], vec![3.0, 6.0, 6.0]];
/// let plane = ser_eval::principal_plane(&[block]).ok_or("no variance")?;
/// assert!((plane.explained[0] - 1.0).abs() < 1e-9);
/// let steps = [1, 2].map(|i| plane.points[i][0] - plane.points[i - 1][0]);
/// assert!((steps[1] / steps[0] - 2.0).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn principal_plane(blocks: &[Vec<Vec<f32>>]) -> Option<Plane> {
    let items = blocks.first()?.len();
    if items < 3 || blocks.iter().any(|block| block.len() != items) {
        return None;
    }
    let mut rows: Vec<Vec<f64>> = vec![Vec::new(); items];
    for block in blocks {
        for (row, values) in rows.iter_mut().zip(scaled(block)?) {
            row.extend(values);
        }
    }
    let total: f64 = rows.iter().flatten().map(|x| x * x).sum();
    if total == 0.0 {
        return None;
    }
    let (first, along_first) = direction(&rows, &[])?;
    let (_, along_second) = direction(&rows, &[first])?;
    let explained =
        [&along_first, &along_second].map(|along| along.iter().map(|x| x * x).sum::<f64>() / total);
    let points = along_first.into_iter().zip(along_second);
    Some(Plane {
        points: points.map(|(x, y)| [x, y]).collect(),
        explained,
    })
}

/// Centres a block and scales it to a total variance of one (unless its variance is zero).
fn scaled(block: &[Vec<f32>]) -> Option<Vec<Vec<f64>>> {
    let width = block.first()?.len();
    let finite = |row: &Vec<f32>| row.len() == width && row.iter().all(|x| x.is_finite());
    if !block.iter().all(finite) {
        return None;
    }
    let n = block.len() as f64;
    let mean = |i: usize| block.iter().map(|row| f64::from(row[i])).sum::<f64>() / n;
    let means: Vec<f64> = (0..width).map(mean).collect();
    let centred = |row: &Vec<f32>| -> Vec<f64> {
        let values = row.iter().zip(&means);
        values.map(|(x, mean)| f64::from(*x) - mean).collect()
    };
    let mut rows: Vec<Vec<f64>> = block.iter().map(centred).collect();
    let variance = rows.iter().flatten().map(|x| x * x).sum::<f64>() / n;
    if variance > 0.0 {
        let scale = variance.sqrt();
        rows.iter_mut().flatten().for_each(|x| *x /= scale);
    }
    Some(rows)
}

/// Makes a vector orthogonal to others, each of length 1.
fn turn_from(others: &[Vec<f64>], vector: &mut [f64]) {
    for other in others {
        let share = dot(vector, other);
        let values = vector.iter_mut().zip(other);
        values.for_each(|(x, y)| *x -= share * y);
    }
}

/// Returns the direction of the largest variance that is orthogonal to `others`, and the coordinate of each row along
/// it.
fn direction(rows: &[Vec<f64>], others: &[Vec<f64>]) -> Option<(Vec<f64>, Vec<f64>)> {
    let width = rows.first()?.len();
    // Any start works that is not orthogonal to the direction; this one favours no value.
    let mut towards: Vec<f64> = (0..width).map(|i| 1.0 + (i as f64).sin()).collect();
    let along =
        |towards: &[f64]| -> Vec<f64> { rows.iter().map(|row| dot(row, towards)).collect() };
    for _ in 0..ITERATIONS {
        turn_from(others, &mut towards);
        let length = dot(&towards, &towards).sqrt();
        if length < 1e-12 {
            // No variance is left in any direction.
            return Some((vec![0.0; width], vec![0.0; rows.len()]));
        }
        towards.iter_mut().for_each(|x| *x /= length);
        let mut next = vec![0.0; width];
        for (row, x) in rows.iter().zip(along(&towards)) {
            next.iter_mut().zip(row).for_each(|(sum, y)| *sum += x * y);
        }
        towards = next;
    }
    turn_from(others, &mut towards);
    let length = dot(&towards, &towards).sqrt();
    towards
        .iter_mut()
        .for_each(|x| *x /= length.max(f64::MIN_POSITIVE));
    let mut found = along(&towards);
    let largest = found
        .iter()
        .copied()
        .max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
    if largest < 0.0 {
        found.iter_mut().for_each(|x| *x = -*x);
    }
    Some((towards, found))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns points on an ellipse in a rotated plane of four dimensions.
    fn ellipse(long: f32, short: f32) -> Vec<Vec<f32>> {
        (0..40)
            .map(|i| {
                let angle = i as f32 / 40.0 * std::f32::consts::TAU;
                let (a, b) = (long * angle.cos(), short * angle.sin());
                vec![0.6 * a + 5.0, 0.8 * a - 2.0, b, 1.0]
            })
            .collect()
    }

    #[test]
    fn the_axes_of_an_ellipse_are_found() {
        let plane = principal_plane(&[ellipse(3.0, 1.0)]).unwrap();
        assert!((plane.explained[0] - 0.9).abs() < 1e-6, "{plane:?}");
        assert!((plane.explained[1] - 0.1).abs() < 1e-6, "{plane:?}");
        // Centred, on the ellipse scaled to a variance of one: (x/3)² + y² is the same everywhere.
        let sums: [f64; 2] = [0, 1].map(|k| plane.points.iter().map(|p| p[k]).sum());
        assert!(sums.iter().all(|sum| sum.abs() < 1e-6), "{sums:?}");
        for [x, y] in &plane.points {
            assert!(((x / 3.0).powi(2) + y * y - 0.2).abs() < 1e-6, "{x} {y}");
        }
    }

    #[test]
    fn a_block_counts_the_same_whatever_its_scale() {
        let (small, large) = (ellipse(1.0, 0.2), ellipse(1000.0, 200.0));
        let noise: Vec<Vec<f32>> = (0..40).map(|i| vec![(i * i % 7) as f32]).collect();
        let a = principal_plane(&[small, noise.clone()]).unwrap();
        let b = principal_plane(&[large, noise]).unwrap();
        for (p, q) in a.points.iter().flatten().zip(b.points.iter().flatten()) {
            assert!((p - q).abs() < 1e-3, "{p} {q}");
        }
    }

    #[test]
    fn what_has_no_plane_is_refused() {
        let same = vec![vec![1.0, 2.0]; 5];
        assert_eq!(principal_plane(&[same]), None);
        assert_eq!(principal_plane(&[ellipse(1.0, 1.0)[..2].to_vec()]), None);
        assert_eq!(principal_plane(&[]), None);
        let mut broken = ellipse(1.0, 1.0);
        broken[3][1] = f32::NAN;
        assert_eq!(principal_plane(&[broken]), None);
        let short = ellipse(1.0, 1.0)[..20].to_vec();
        assert_eq!(principal_plane(&[ellipse(1.0, 1.0), short]), None);
    }
}
