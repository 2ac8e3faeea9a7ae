//! The command `ser export`.

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::args::ExportArgs;
use crate::output::SYNTHETIC;
use crate::{Outcome, model};

pub fn run(args: &ExportArgs, json: bool) -> Result<Outcome> {
    let out = &args.out;
    if !ser_files::has_extension(out, "onnx") {
        bail!("{}: the name of the file must end in .onnx", out.display());
    }
    if let Some(file) = &args.model.file {
        ser_files::may_write(out, &[file])?;
    }
    let predictor = model::open(args.model.file.as_deref())?;
    let model = predictor.model();
    let bytes = ser_onnx::export(model).context("the model could not be exported")?;
    ser_files::write_file(out, &bytes)?;
    if json {
        let line = json!({"file": out.display().to_string(), "bytes": bytes.len(), "name": model.name,
            "labels": model.labels, "fingerprint": model.fingerprint(), "synthetic": model.provenance.synthetic});
        println!("{line}");
        return Ok(Outcome::Done);
    }
    if model.provenance.synthetic {
        println!("{SYNTHETIC}");
    }
    println!(
        "written: {} ({:.1} MB) with {} inputs, each the features of one clip; their configurations are in its metadata",
        out.display(),
        bytes.len() as f64 / 1e6,
        model.views().len(),
    );
    Ok(Outcome::Done)
}
