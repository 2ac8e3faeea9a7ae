//! `ser extract`

use anyhow::{Context, Result, bail};
use ser_experiment::{Event, Inputs, View, extract};
use ser_features::FeatureConfig;
use ser_recipe::Experiment;

use crate::Outcome;
use crate::args::ExtractArgs;
use crate::events::Show;

/// Writes features into a file, or fills a store.
pub fn run(args: &ExtractArgs, json: bool) -> Result<Outcome> {
    let inputs = Inputs::find(&args.inputs)?;
    let views = views(args)?;
    let (store, out) = (args.store.as_deref(), args.out.as_deref());
    let show = Show::default();
    let done = extract(inputs, &views, store, out, &|event: Event| {
        show.event(event)
    })?;
    let (files, n) = (done.files, done.coefficients);
    if json {
        let line = serde_json::json!({
            "files": files, "coefficients": n, "skipped": done.skipped,
        });
        println!("{line}");
    } else {
        println!("files: {files}, coefficients a frame: {n}");
    }
    if files == 0 {
        bail!("no file could be used");
    }
    Ok(Outcome::of(&done.skipped))
}

/// What is asked for. Of a recipe a file gets its features, and a store all that a training takes from
/// it, copies included.
fn views(args: &ExtractArgs) -> Result<Vec<View>> {
    if let Some(recipe) = &args.recipe {
        let experiment = Experiment::load(recipe)?;
        return Ok(match &args.out {
            Some(_) => vec![View::clean(experiment.into_recipe()?.features)],
            None => View::kept_of(&experiment),
        });
    }
    let Some(path) = &args.config else {
        return Ok(vec![View::clean(FeatureConfig::default())]);
    };
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let config: FeatureConfig =
        toml::from_str(&text).with_context(|| path.display().to_string())?;
    config
        .validate()
        .with_context(|| path.display().to_string())?;
    Ok(vec![View::clean(config)])
}
