//! The command `ser results`: writes the document of results.

use anyhow::Result;
use ser_experiment::{Run, results};
use ser_files::write_file;

use crate::Outcome;
use crate::args::ResultsArgs;

/// Writes the document from the folders of runs.
pub fn run(args: &ResultsArgs) -> Result<Outcome> {
    let runs = Run::read_all(&args.runs)?;
    write_file(&args.out, results(&runs)?)?;
    println!("results: {}", args.out.display());
    Ok(Outcome::Done)
}
