//! What all answers can be asked with: labels, a speaker, a channel.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use ser_predict::{Enrolment, Predictor};

use crate::error::raised;
use crate::speaker::Speaker;

/// Who answers, on whose voice.
pub(crate) struct Asked {
    pub(crate) predictor: Predictor,
    pub(crate) speaker: Option<Enrolment>,
}

impl Asked {
    /// With the only labels that can be, and an enrolled speaker, where they are given.
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

/// A channel, counted from 1.
pub(crate) fn channel(given: Option<i64>) -> PyResult<Option<u16>> {
    let number = |number: i64| match u16::try_from(number) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(no_channel(&number.to_string())),
    };
    given.map(number).transpose()
}

/// What is raised for what is none.
pub(crate) fn no_channel(given: &str) -> PyErr {
    PyValueError::new_err(format!(
        "channel: expected a number from 1 on, for a timeline also \"each\", got {given}"
    ))
}
