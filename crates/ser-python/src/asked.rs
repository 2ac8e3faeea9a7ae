//! The arguments that all answers share: labels, a speaker, a channel.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use ser_predict::{Enrolment, Predictor};

use crate::error::raised;
use crate::speaker::Speaker;

/// A predictor, and the speaker of the recording if one was given.
pub(crate) struct Asked {
    pub(crate) predictor: Predictor,
    pub(crate) speaker: Option<Enrolment>,
}

impl Asked {
    /// Restricts the predictor to the labels, and checks that the speaker was enrolled with its model.
    ///
    /// # Errors
    ///
    /// `ValueError` for labels that the model does not know, and for a speaker of another model.
    pub(crate) fn new(
        py: Python<'_>,
        predictor: &Predictor,
        labels: Option<Vec<String>>,
        speaker: Option<&Speaker>,
    ) -> PyResult<Self> {
        let restricted = labels.map(|labels| predictor.restricted_to(&labels));
        let restricted = restricted.transpose();
        let restricted = restricted.map_err(|error| raised(py, &error, None))?;
        let speaker = speaker.map(|speaker| speaker.of(predictor)).transpose()?;
        Ok(Self {
            predictor: restricted.unwrap_or_else(|| predictor.clone()),
            speaker,
        })
    }

    pub(crate) fn speaker(&self) -> Option<&Enrolment> {
        self.speaker.as_ref()
    }
}

/// Checks the number of a channel, counted from 1.
pub(crate) fn channel(given: Option<i64>) -> PyResult<Option<u16>> {
    let number = |number: i64| match u16::try_from(number) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(no_channel(&number.to_string())),
    };
    given.map(number).transpose()
}

/// The exception for an argument that is no channel.
pub(crate) fn no_channel(given: &str) -> PyErr {
    PyValueError::new_err(format!(
        "channel: expected a number of 1 or more, or for a timeline \"each\", got {given}"
    ))
}
