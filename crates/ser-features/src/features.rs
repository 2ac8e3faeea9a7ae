//! The result of the chain.

use crate::error::{Error, Result};

/// Features of one signal.
///
/// # Shape
/// `[frames, coefficients]`, row-major: the values of one frame lie side by side.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Features {
    data: Vec<f32>,
    frames: usize,
    coefficients: usize,
}

impl Features {
    /// Features from their values, frame by frame.
    ///
    /// # Errors
    /// [`Error::Shape`] when `data` does not hold `frames · coefficients` values.
    pub fn from_parts(data: Vec<f32>, frames: usize, coefficients: usize) -> Result<Self> {
        if frames.checked_mul(coefficients) != Some(data.len()) {
            return Err(Error::Shape {
                what: "features",
                expected: format!("[{frames}, {coefficients}]"),
                actual: format!("{} values", data.len()),
            });
        }
        Ok(Self {
            data,
            frames,
            coefficients,
        })
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Number of values in each frame.
    pub fn coefficients(&self) -> usize {
        self.coefficients
    }

    /// The values of frame `index`.
    ///
    /// # Panics
    /// When `index >= frames()`.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.data[index * self.coefficients..][..self.coefficients]
    }

    /// All values, frame by frame.
    pub fn as_slice(&self) -> &[f32] {
        &self.data
    }

    /// All values, frame by frame, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// All values, frame by frame.
    pub fn into_vec(self) -> Vec<f32> {
        self.data
    }

    /// Gives the features another shape and returns their values, of which none is kept.
    /// Memory is asked for only beyond the largest shape so far.
    pub(crate) fn reshape(&mut self, frames: usize, coefficients: usize) -> &mut [f32] {
        self.data.clear();
        self.data.resize(frames * coefficients, 0.0);
        self.frames = frames;
        self.coefficients = coefficients;
        &mut self.data
    }
}
