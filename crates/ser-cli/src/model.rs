//! Loads the model and the speaker for an answer.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use ser_predict::{Enrolment, Model, Predictor};

use crate::args::{LabelsArgs, ModelArgs};
use crate::speakers;

/// Loads a model file, or the built-in model if none is given or this is its name.
pub fn load(file: Option<&Path>) -> Result<Model> {
    match file.filter(|&file| file != "built-in") {
        Some(folder) if folder.is_dir() => bail!(
            "{}: expected a model file, found a folder; `ser fit` writes {}",
            folder.display(),
            folder.join("model.safetensors").display()
        ),
        Some(file) => Ok(Model::load(file)?),
        None => Model::built_in().context("the built-in model could not be loaded"),
    }
}

/// Loads a model as [`load`] does, and prepares it to answer.
pub fn open(file: Option<&Path>) -> Result<Predictor> {
    Ok(Predictor::new(load(file)?)?)
}

/// Loads a model as [`open`] does, restricted to the labels of `--labels`.
pub fn answering(model: &ModelArgs, labels: &LabelsArgs) -> Result<Predictor> {
    let predictor = open(model.file.as_deref())?;
    match labels.chosen.as_slice() {
        [] => Ok(predictor),
        labels => Ok(predictor.restricted_to(labels)?),
    }
}

/// Returns the speaker that was enrolled under a name.
pub fn speaker(model: &Model, name: Option<&str>) -> Result<Option<Enrolment>> {
    let Some(name) = name else { return Ok(None) };
    must_enrol(model)?;
    Ok(Some(Enrolment::load(model, &speakers::enrolled(name)?)?))
}

/// Fails if the model was trained without enrolment.
pub fn must_enrol(model: &Model) -> Result<()> {
    model.check_enrols().map_err(|error| {
        anyhow!("{error}: use the built-in model, or train a recipe with the table [enrolment]")
    })
}
