//! Fits the density of the training clips, and measures how far from it the clips of held-out speakers lie.

use std::collections::BTreeMap;

use ser_predict::{Density, DensityInfo, Standardiser, clip_statistics, distance_limit};
use ser_recipe::Recipe;
use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::train::Clip;

/// Number of principal components of the density, which describe what voices, emotions and channels have in common. With more
/// components, the density would describe the individual training voices, and other voices would lie outside it.
const COMPONENTS: usize = 16;
/// Share of the average variance that is mixed into the variance of each direction, so that no variance is zero when there are
/// few clips.
const SHRINKAGE: f64 = 0.05;
/// Number of parts that the speakers of a single corpus are divided into.
const PARTS: usize = 5;
/// Number of clips whose statistics are computed at a time.
const AT_ONCE: usize = 64;

/// Fits the density of the clips and their copies.
///
/// The limit of the density is the distance that 97.5 % of the clips do not exceed when they are held out: with several
/// corpora, the clips of each corpus are measured against the density of the other corpora; with one corpus, the clips of
/// each fifth of the speakers against the density of the other speakers.
pub(crate) fn fit(recipe: &Recipe, standardiser: &Standardiser, clips: &[Clip]) -> Result<Density> {
    let statistics = |copy: &_| -> Vec<f32> { clip_statistics(&recipe.input, standardiser, copy) };
    let moments = |clips: &[&Clip]| {
        let copies = clips.iter().flat_map(|clip| &clip.copies);
        Moments::of(&copies.map(statistics).collect::<Vec<_>>())
    };
    let measured = |part: Vec<_>| {
        let moments = total(part.chunks(AT_ONCE).map(moments))?;
        Ok((part, moments))
    };
    let parts = divided(clips).into_values().map(measured);
    let parts: Vec<(Vec<&Clip>, Moments)> = parts.collect::<Result<_>>()?;
    let all = total(parts.iter().map(|(_, moments)| Ok(moments.shared())))?;
    let mut distances = Vec::new();
    for (part, moments) in &parts {
        let others = match parts.len() {
            1 => all.density()?,
            _ => all.minus(moments)?.density()?,
        };
        let clean = part.iter().map(|clip| statistics(&clip.copies[0]));
        distances.extend(clean.map(|clip| others.distance(&clip)));
    }
    let mut density = all.density()?;
    // If all clips are alike, every distance is zero; the limit must be positive all the same.
    density.info.limit = distance_limit(distances).map_or(1.0, |d| d.max(f32::MIN_POSITIVE));
    Ok(density)
}

/// Returns the clips of each corpus or, if there is only one corpus, of each part of its speakers.
fn divided(clips: &[Clip]) -> BTreeMap<usize, Vec<&Clip>> {
    let corpus = clips.first().map(|clip| clip.stratum.corpus);
    let one = clips.iter().all(|clip| Some(clip.stratum.corpus) == corpus);
    let mut parts: BTreeMap<usize, Vec<&Clip>> = BTreeMap::new();
    for clip in clips {
        let part = if one {
            clip.stratum.speaker % PARTS
        } else {
            clip.stratum.corpus
        };
        parts.entry(part).or_default().push(clip);
    }
    parts
}

/// Adds up the moments of all parts.
fn total(parts: impl Iterator<Item = Result<Moments>>) -> Result<Moments> {
    let nothing = || Err(Error::Data("no clips to learn from".to_owned()));
    parts.reduce(|a, b| a?.plus(&b?)).unwrap_or_else(nothing)
}

/// Moments of vectors of `S` statistics: the number of vectors, their sum `[S]`, and the sum of their outer products `[S, S]`.
struct Moments {
    count: f64,
    sum: Tensor,
    square: Tensor,
}

impl Moments {
    fn of(rows: &[Vec<f32>]) -> Result<Self> {
        let width = rows.first().map_or(0, Vec::len) as i64;
        let x = Tensor::f_from_slice(&rows.concat())?.f_view([-1, width])?;
        Ok(Self {
            count: rows.len() as f64,
            sum: x.f_sum_dim_intlist(0_i64, false, Kind::Float)?,
            square: x.f_transpose(0, 1)?.f_matmul(&x)?,
        })
    }

    /// Returns moments that share the arrays of these.
    fn shared(&self) -> Self {
        Self {
            count: self.count,
            sum: self.sum.shallow_clone(),
            square: self.square.shallow_clone(),
        }
    }

    fn plus(&self, other: &Self) -> Result<Self> {
        Ok(Self {
            count: self.count + other.count,
            sum: self.sum.f_add(&other.sum)?,
            square: self.square.f_add(&other.square)?,
        })
    }

    fn minus(&self, other: &Self) -> Result<Self> {
        Ok(Self {
            count: self.count - other.count,
            sum: self.sum.f_sub(&other.sum)?,
            square: self.square.f_sub(&other.square)?,
        })
    }

    /// Returns the density with these moments. Its limit is still 1.
    fn density(&self) -> Result<Density> {
        let count = Tensor::from(self.count);
        let mean = self.sum.f_to_kind(Kind::Double)?.f_div(&count)?;
        let square = self.square.f_to_kind(Kind::Double)?.f_div(&count)?;
        let covariance = square.f_sub(&mean.f_outer(&mean)?)?;
        // The eigenvalues come in ascending order; each column of `vectors` is an eigenvector.
        let (variances, vectors) = covariance.f_linalg_eigh("L")?;
        let variances = Vec::<f64>::try_from(&variances)?;
        let size = variances.len();
        let kept = COMPONENTS.min(size.saturating_sub(1));
        let left = size - kept;
        let components = vectors
            .f_transpose(0, 1)?
            .f_narrow(0, left as i64, kept as i64)?;
        let average = variances.iter().sum::<f64>() / size.max(1) as f64;
        let shrunk = |variance: f64| {
            let shrunk = (1.0 - SHRINKAGE) * variance.max(0.0) + SHRINKAGE * average;
            (shrunk as f32).max(f32::MIN_POSITIVE)
        };
        Ok(Density {
            info: DensityInfo {
                network: 0,
                components: kept,
                rest: shrunk(variances[..left].iter().sum::<f64>() / left.max(1) as f64),
                limit: 1.0,
            },
            mean: floats(&mean)?,
            components: floats(&components)?,
            variances: variances[left..].iter().copied().map(shrunk).collect(),
        })
    }
}

fn floats(values: &Tensor) -> Result<Vec<f32>> {
    let flat = values.f_to_kind(Kind::Float)?.f_contiguous()?.f_view(-1)?;
    Ok(Vec::try_from(&flat)?)
}
