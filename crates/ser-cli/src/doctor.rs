//! The command `ser doctor`: checks the installation, and says how to fix what is wrong.

use std::path::Path;

use anyhow::Result;
use ser_audio::Waveform;
use ser_data::{Corpus, LabelMap, Origin, Scan};
use ser_experiment::Skipped;
use ser_recipe::Experiment;

use crate::args::DoctorArgs;
use crate::output::{in_full, in_words, plain};
use crate::{Outcome, model};

/// Free space in bytes that a training needs, for the features and models of RAVDESS; a program that cannot train needs none.
const ENOUGH_SPACE: u64 = 2 << 30;

/// A check: what was checked, what was found, and what to do if it failed.
struct Finding {
    what: &'static str,
    found: Result<String>,
    next: &'static str,
}

pub fn run(args: &DoctorArgs, json: bool) -> Result<Outcome> {
    let mut findings = vec![
        Finding {
            what: "program",
            found: Ok(format!("ser {}", env!("CARGO_PKG_VERSION"))),
            next: "",
        },
        Finding {
            what: "system",
            found: Ok(format!(
                "{} {}, {}",
                std::env::consts::OS,
                std::env::consts::ARCH,
                in_words(
                    std::thread::available_parallelism().map_or(0, usize::from),
                    "core"
                )
            )),
            next: "",
        },
        Finding {
            what: "libtorch",
            found: libtorch(),
            next: "in a clone of ser: cargo xtask libtorch",
        },
        Finding {
            what: "model",
            found: check_model(),
            next: "build ser again: the model is part of the program",
        },
        Finding {
            what: "recipes",
            found: recipes(),
            next: "build ser again: the recipes are part of the program",
        },
        Finding {
            what: "disk",
            found: space(Path::new(".")),
            next: "free some space, or work in another folder: features and models take 2 GB",
        },
    ];
    if let Some(data) = &args.data {
        findings.push(Finding {
            what: "corpus",
            found: corpus(args.root.of(data)),
            next: "`ser index` reports what is wrong with the corpus; `ser download ravdess` downloads RAVDESS",
        });
    }
    let rows: Vec<(&str, bool, String)> = findings
        .into_iter()
        .map(|Finding { what, found, next }| match found {
            Ok(found) => (what, true, found),
            Err(error) => (
                what,
                false,
                format!("{}. What to do: {next}", in_full(&error)),
            ),
        })
        .collect();
    let well = rows.iter().all(|(_, well, _)| *well);
    if json {
        let facts = rows.into_iter().map(|(what, well, found)| {
            let fact = serde_json::json!({ "well": well, "found": found });
            (what.to_owned(), fact)
        });
        println!("{}", serde_json::Value::Object(facts.collect()));
    } else {
        for (what, _, found) in &rows {
            println!("{what:<9} {}", plain(found));
        }
        if well {
            println!("no problems found");
        }
    }
    if !well {
        anyhow::bail!("problems found: the lines above say what to do");
    }
    Ok(Outcome::Done)
}

/// Checks, in a program that trains, that libtorch is found and computes.
#[cfg(feature = "train")]
fn libtorch() -> Result<String> {
    Ok(ser_experiment::check_libtorch()?)
}

#[cfg(not(feature = "train"))]
fn libtorch() -> Result<String> {
    Ok(
        "not needed: this program does not train (to train, build it with --features train)"
            .to_owned(),
    )
}

/// Checks that the built-in model answers a second of sound.
fn check_model() -> Result<String> {
    let predictor = model::open(None)?;
    let tone = (0..16_000).map(|n| (n as f32 * 0.1).sin() / 4.0).collect();
    predictor.answer(&Waveform::new(tone, 16_000), None)?;
    let model = predictor.model();
    Ok(format!(
        "{}: {} ({} trained parameters)",
        model.name,
        model.labels.join(", "),
        model.parameters()
    ))
}

fn recipes() -> Result<String> {
    let names = Experiment::built_in_names();
    let names = names.map(|name| Ok(Experiment::load(name)?.name));
    Ok(names.collect::<Result<Vec<_>>>()?.join(", "))
}

/// Checks, in a program that trains, that there is enough free space for what a training writes.
#[cfg(unix)]
fn space(folder: &Path) -> Result<String> {
    let found = nix::sys::statvfs::statvfs(folder)?;
    let free = found.blocks_available() as u64 * found.fragment_size() as u64;
    let gigabytes = free as f64 / 1e9;
    if cfg!(feature = "train") && free < ENOUGH_SPACE {
        anyhow::bail!("{gigabytes:.1} GB free here");
    }
    Ok(format!("{gigabytes:.0} GB free here"))
}

#[cfg(not(unix))]
fn space(_: &Path) -> Result<String> {
    Ok("not checked on this system".to_owned())
}

fn corpus(data: Origin<'_>) -> Result<String> {
    let Scan { corpus, audit } = Corpus::load_with(data, &LabelMap::new())?;
    let clips = in_words(corpus.len(), "clip");
    let speakers = in_words(corpus.speakers().len(), "speaker");
    let labels = corpus.labels().join(", ");
    let skipped = match Skipped::of_audit(&audit).len() {
        0 => String::new(),
        n => format!("; {} skipped", in_words(n, "file")),
    };
    Ok(format!("{clips} of {speakers}: {labels}{skipped}"))
}
