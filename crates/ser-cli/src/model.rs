//! Which model answers.

use std::path::Path;

use anyhow::{Context, Result, bail};
use ser_model::{Enrolment, Model};

use crate::speakers;

/// The model in the box: see `data/models/README.md`.
const BUILT_IN: &[u8] = include_bytes!("../../../data/models/robust.safetensors");

/// Reads a model file, or else takes the built-in one.
pub fn open(file: Option<&Path>) -> Result<Model> {
    // First of all: reading the weights would start threads.
    ser_model::set_threads(1);
    match file {
        Some(file) => Ok(Model::load(file)?),
        None => Model::from_bytes(BUILT_IN, Path::new("robust.safetensors"))
            .context("the built-in model"),
    }
}

/// The speaker that was enrolled under a name.
pub fn speaker(model: &Model, name: Option<&str>) -> Result<Option<Enrolment>> {
    let Some(name) = name else { return Ok(None) };
    must_enrol(model)?;
    let file = speakers::file(name)?;
    if !file.is_file() {
        bail!(
            "nobody is enrolled as {name} ({} is not there): ser enroll {name} FILES…",
            file.display()
        );
    }
    Ok(Some(Enrolment::load(model, &file)?))
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
