//! Which model answers.

use std::path::Path;

use anyhow::{Context, Result, bail};
use ser_predict::{Enrolment, Model, Predictor};

use crate::args::AnswerArgs;
use crate::speakers;

/// Reads a model file, or else takes the built-in one.
pub fn load(file: Option<&Path>) -> Result<Model> {
    match file {
        Some(file) => Ok(Model::load(file)?),
        None => Model::built_in().context("the built-in model"),
    }
}

/// As [`load`], ready to answer.
pub fn open(file: Option<&Path>) -> Result<Predictor> {
    Ok(Predictor::new(load(file)?)?)
}

/// The model that answers, and the labels that can be.
pub fn answering(args: &AnswerArgs) -> Result<Predictor> {
    let predictor = open(args.model.file.as_deref())?;
    match args.labels.as_slice() {
        [] => Ok(predictor),
        labels => Ok(predictor.restricted_to(labels)?),
    }
}

/// The speaker that was enrolled under a name.
pub fn speaker(model: &Model, name: Option<&str>) -> Result<Option<Enrolment>> {
    let Some(name) = name else { return Ok(None) };
    must_enrol(model)?;
    Ok(Some(Enrolment::load(model, &speakers::enrolled(name)?)?))
}

/// Refuses a model to which a speaker makes no difference.
pub fn must_enrol(model: &Model) -> Result<()> {
    if !model.enrols() {
        bail!(
            "{} was trained without enrolment, so that a speaker makes no difference to it; train a \
             recipe with the table [enrolment], or take the built-in model",
            model.name
        );
    }
    Ok(())
}
