//! Stub.
use std::path::Path;

use crate::error::{Error, Result};

/// A mono signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Waveform {
    /// Samples, full scale at ±1.
    pub samples: Vec<f32>,
    /// Sampling rate in Hz.
    pub sample_rate: u32,
}

impl Waveform {
    /// Reads a WAV file.
    ///
    /// # Errors
    /// Stub.
    pub fn read(path: &Path) -> Result<Self> {
        Err(Error::Empty.in_file(path))
    }
}
