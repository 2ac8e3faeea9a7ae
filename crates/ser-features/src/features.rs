//! The features of a signal.

use crate::error::{Error, Result};

/// The features of one signal.
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
    /// Creates features from their values, which are ordered frame by frame.
    ///
    /// # Errors
    /// [`Error::Shape`] if `data` does not have `frames · coefficients` values.
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

    /// Returns the number of frames.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Returns the number of values in each frame.
    pub fn coefficients(&self) -> usize {
        self.coefficients
    }

    /// Returns the values of frame `index`.
    ///
    /// # Panics
    /// If `index >= frames()`.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.data[index * self.coefficients..][..self.coefficients]
    }

    /// Returns all values, frame by frame.
    pub fn as_slice(&self) -> &[f32] {
        &self.data
    }

    /// Returns all values, frame by frame, for changes in place.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// Converts the features into their values, frame by frame.
    pub fn into_vec(self) -> Vec<f32> {
        self.data
    }

    /// Gives the features a new shape and returns their values, which are all set to 0. Allocates
    /// memory only if the shape is larger than any before.
    pub(crate) fn reshape(&mut self, frames: usize, coefficients: usize) -> &mut [f32] {
        self.data.clear();
        self.data.resize(frames * coefficients, 0.0);
        self.frames = frames;
        self.coefficients = coefficients;
        &mut self.data
    }
}
