//! The command `ser explain`.

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use ser_predict::{Error, ExplanationLine, Kind, LONG};
use ser_report::plots;

use crate::args::ExplainArgs;
use crate::output::{SYNTHETIC, UNCERTAIN, percent, plain, progress, tell_remarks};
use crate::recordings::named;
use crate::{Outcome, model};

pub fn run(args: &ExplainArgs, json: bool) -> Result<Outcome> {
    let predictor = model::open(args.model.file.as_deref())?;
    let model = predictor.model();
    let file = args.file.display().to_string();
    let stem = match args.file.file_stem().unwrap_or_default() {
        pipe if pipe == "-" => "recording".into(),
        stem => stem.to_string_lossy(),
    };
    let beside = || PathBuf::from(format!("{stem}-explained.svg"));
    let out = args.out.clone().unwrap_or_else(beside);
    if !ser_files::has_extension(&out, "svg") {
        bail!(
            "{}: the name of the picture must end in .svg",
            out.display()
        );
    }
    ser_files::may_write(&out, &[&args.file])?;
    let stream = crate::recordings::open(&args.file, None)?;
    let bar = progress(100, "percent");
    let explained = predictor.explain_stream(stream.at_most(LONG), None, |share| {
        bar.set_position((100.0 * share) as u64);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let (clip, explanation) = explained.map_err(|error| match error {
        Error::Audio(error) if Kind::from(&error) == Kind::TooLong => {
            anyhow!("{error}; for a longer recording use `ser timeline`")
        }
        other => named(other, &args.file),
    })?;
    let answer = &explanation.answer;
    let emotion = answer.label(&model.labels);
    let (probability, uncertain) = (answer.confidence(), answer.uncertain);
    let marked = answer.marked(&model.labels);

    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let levels = explanation.spectrogram(&clip)?;
    let picture = plots::explanation(model, &plain(&name), &clip, &explanation, &levels)?;
    ser_files::write_file(&out, &picture)?;

    if json {
        let line = ExplanationLine {
            picture: Some(out.display().to_string()),
            ..ExplanationLine::new(model, file, &explanation)
        };
        println!("{}", serde_json::to_string(&line)?);
        return Ok(Outcome::Done);
    }
    if model.provenance.synthetic {
        println!("{SYNTHETIC}");
    }
    println!(
        "{}: {marked}  ({})",
        plain(&file),
        percent(f64::from(probability))
    );
    if uncertain {
        println!("{UNCERTAIN}");
    }
    tell_remarks(answer);
    let regions = explanation.strongest();
    if regions.is_empty() {
        println!("removing any one part does not lower the probability of {emotion}");
    } else {
        println!("change in probability, in percentage points, when a part is removed:");
    }
    for patch in regions {
        println!("  {}", patch.words(emotion));
    }
    println!("picture: {}", out.display());
    Ok(Outcome::Done)
}
