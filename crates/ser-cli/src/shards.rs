//! `ser predict --manifest`: answers the rows of a table, and writes one file per shard.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use ser_archive::{Answerer, Archive, Done, Manifest, Shard};
use ser_predict::Enrolment;
use ser_tables::Form;

use crate::args::PredictArgs;
use crate::output::{SYNTHETIC, progress};
use crate::recordings::kind_in_words;
use crate::tally::Tally;
use crate::{Outcome, model};

pub fn run(manifest: &Path, out: &Path, args: &PredictArgs) -> Result<Outcome> {
    if Form::of(out).is_some() {
        bail!(
            "{}: with --manifest, --out is a folder for the tables of all shards: name it without an extension",
            out.display()
        );
    }
    let predictor = model::answering(&args.answer.model, &args.answer.labels)?;
    let shard = args.shard.unwrap_or(Shard::ALL);
    let form = Form::of(manifest).unwrap_or(Form::Csv);
    let manifest = Manifest::read(manifest, args.root.as_deref(), shard)?;
    // A speaker who is not enrolled would be an error in many rows, so the command fails before it answers any.
    let speaker = |name: &String| {
        let speaker = model::speaker(predictor.model(), Some(name)).context(
            "the column `speaker` of a manifest to predict names enrolled speakers: without it, nobody needs to be enrolled",
        )?;
        Ok(speaker.map(|speaker| (name.clone(), speaker)))
    };
    let speakers = manifest
        .speakers
        .iter()
        .filter_map(|name| speaker(name).transpose());
    let speakers: BTreeMap<String, Enrolment> = speakers.collect::<Result<_>>()?;
    let is_synthetic = predictor.model().provenance.synthetic;
    let answerer = Answerer::new(predictor, speakers);
    let archive = Archive::open(out, &manifest, &answerer, form)?;
    let mut tally = Tally::default();
    let bar = progress(manifest.rows.len(), "recordings");
    let done = archive.answer(&manifest, &answerer, |row| {
        match &row.answer {
            Ok(answer) => tally.answer(answer.uncertain, answer.remarks()),
            Err(failed) => tally.skip(kind_in_words(failed.kind)),
        }
        bar.inc(1);
    })?;
    bar.finish_and_clear();
    match done {
        Done::Written(path) => {
            println!("written: {}", path.display());
            println!("{}", tally.sentence());
        }
        Done::Before(path) => println!("{}: answered before", path.display()),
        Done::Elsewhere(path) => bail!(
            "{}: another `ser predict` is answering shard {shard}; run the same command again after it has ended, to answer \
             the shard if it is still missing",
            path.display()
        ),
    }
    if is_synthetic {
        println!("{SYNTHETIC}");
    }
    Ok(Outcome::Done)
}
