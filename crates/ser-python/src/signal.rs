//! Arrays of samples.

use std::borrow::Cow;

use numpy::{PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use ser_audio::{Channels, MAX_CHANNELS, MAX_SAMPLE_RATE, Mixer, SAMPLE_RANGE};

/// A contiguous array of 32-bit floats: the given array if it has that form, or else a converted copy.
pub(crate) struct Signal<'py>(PyReadonlyArrayDyn<'py, f32>);

impl<'py> Signal<'py> {
    /// Reads an array `[samples]` or `[channels, samples]` of any type and strides.
    pub(crate) fn new(signal: &Bound<'py, PyAny>) -> PyResult<Self> {
        static SAMPLES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let samples = SAMPLES.import(signal.py(), "ser_speech.signals", "samples")?;
        Ok(Self(samples.call1((signal,))?.extract()?))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the samples of a signal with a single channel.
    ///
    /// # Errors
    ///
    /// `ValueError` if there are several channels.
    pub(crate) fn one_channel(&self) -> PyResult<&[f32]> {
        let samples = self.samples()?;
        samples.only().ok_or_else(|| {
            let shape = self.0.shape();
            PyValueError::new_err(format!(
                "expected an array [samples], got the shape {shape:?}"
            ))
        })
    }

    /// Returns the samples, all of which are within `SAMPLE_RANGE`.
    ///
    /// # Errors
    ///
    /// `ValueError` for another shape, for too many channels, and for a sample out of range.
    pub(crate) fn samples(&self) -> PyResult<Samples<'_>> {
        let (count, length) = match *self.0.shape() {
            [length] => (1, length),
            [count, length] => (count, length),
            _ => (0, 0),
        };
        if !(1..=MAX_CHANNELS).contains(&count) {
            let shape = self.0.shape();
            return Err(PyValueError::new_err(format!(
                "expected an array [samples] or [channels, samples] of at most {MAX_CHANNELS} channels, got the shape {shape:?}; \
                 an array [samples, channels], as soundfile gives, must be transposed"
            )));
        }
        let all = self.0.as_slice()?;
        if let Some(at) = all.iter().position(|x| !SAMPLE_RANGE.contains(x)) {
            let (channel, sample) = (at / length + 1, at % length);
            return Err(PyValueError::new_err(format!(
                "expected numbers from {:e} to {:e}, got {} at sample {sample} of channel {channel}",
                SAMPLE_RANGE.start(),
                SAMPLE_RANGE.end(),
                all[at],
            )));
        }
        Ok(Samples { all, count, length })
    }
}

/// The samples of one or several channels, one channel after another.
#[derive(Clone, Copy)]
pub(crate) struct Samples<'a> {
    all: &'a [f32],
    pub(crate) count: usize,
    /// Number of samples in each channel.
    pub(crate) length: usize,
}

impl<'a> Samples<'a> {
    /// Returns one of the channels, counted from 1.
    pub(crate) fn channel(self, number: u16) -> PyResult<&'a [f32]> {
        let at = usize::from(number) - 1;
        let channel = self.all.get(at * self.length..(at + 1) * self.length);
        channel.filter(|_| at < self.count).ok_or_else(|| {
            let count = self.count;
            PyValueError::new_err(format!(
                "channel: expected a number from 1 to {count}, got {number}"
            ))
        })
    }

    /// Returns the channel if there is only one.
    pub(crate) fn only(self) -> Option<&'a [f32]> {
        (self.count == 1).then_some(self.all)
    }

    /// Returns one of the channels, or all channels compared and mixed, as for a file.
    pub(crate) fn mixed(self, py: Python<'_>, channel: Option<u16>) -> PyResult<Cow<'a, [f32]>> {
        if let Some(number) = channel {
            return Ok(self.channel(number)?.into());
        }
        if let Some(only) = self.only() {
            return Ok(only.into());
        }
        Ok(py.detach(|| {
            let mut mixer = Mixer::new(Channels::Compared, self.count);
            let mut mixed = Vec::with_capacity(self.length);
            mixer.push(&self.interleaved(), self.count, &mut mixed);
            mixer.finish(&mut mixed);
            mixed.into()
        }))
    }

    /// Returns the samples of all channels, interleaved.
    pub(crate) fn interleaved(self) -> Vec<f32> {
        let frame = |at| (0..self.count).map(move |channel| self.all[channel * self.length + at]);
        (0..self.length).flat_map(frame).collect()
    }
}

/// Reads a sampling rate in Hz.
pub(crate) fn rate(given: Option<&Bound<'_, PyAny>>) -> PyResult<u32> {
    let Some(given) = given else {
        return Err(PyTypeError::new_err(
            "sampling_rate: expected the rate of the signal in Hz, as in predict(signal, 16000)",
        ));
    };
    // A float such as 48000.0 is accepted as well.
    let number: f64 = given.extract()?;
    let highest = f64::from(MAX_SAMPLE_RATE);
    if number.fract() != 0.0 || !(1.0..=highest).contains(&number) {
        return Err(PyValueError::new_err(format!(
            "sampling_rate: expected a whole number of Hz from 1 to {MAX_SAMPLE_RATE}, got {given}"
        )));
    }
    Ok(number as u32)
}
