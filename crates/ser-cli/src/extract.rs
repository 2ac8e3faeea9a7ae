//! The command `ser extract`.

use anyhow::{Context, Result, bail};
use ser_experiment::{Inputs, View, extract};
use ser_features::FeatureConfig;
use ser_recipe::Experiment;
use ser_tables::Form;

use crate::args::ExtractArgs;
use crate::output::in_words;
use crate::recordings::tell_pipe;
use crate::{Outcome, events};

/// Writes features to a file, or fills a store.
pub fn run(args: &ExtractArgs, json: bool) -> Result<Outcome> {
    let inputs = Inputs::find(&args.inputs, args.root.root.as_deref())?;
    let views = views(args)?;
    args.inputs.iter().for_each(|input| tell_pipe(input));
    let (store, out) = (args.store.as_deref(), args.out.as_deref());
    let done = extract(inputs, &views, store, out, &events::show())?;
    let (files, n) = (done.files, done.coefficients);
    if json {
        let line = serde_json::json!({
            "files": files, "coefficients": n, "skipped": done.skipped,
        });
        println!("{line}");
    } else if files > 0 {
        println!("{}, {n} coefficients", in_words(files, "recording"));
        if let Some(out) = out {
            println!("written: {}", out.display());
        }
    }
    if files == 0 {
        bail!("no recording could be used, and nothing was written; the lines above say why");
    }
    Ok(Outcome::of(&done.skipped))
}

/// Returns the features to extract. With `--recipe`, a file gets the features of the recipe, and a store gets everything
/// that a training of the recipe reads from it, augmented copies included.
fn views(args: &ExtractArgs) -> Result<Vec<View>> {
    if let Some(recipe) = &args.recipe {
        let experiment = Experiment::load(recipe)?;
        return Ok(match &args.out {
            Some(_) => vec![View::clean(features(experiment)?)],
            None => View::kept_of(&experiment),
        });
    }
    let Some(path) = &args.config else {
        let is_table = args.out.as_deref().and_then(Form::of).is_some();
        return Ok(vec![View::clean(if is_table {
            Experiment::load("mlp")?.into_recipe()?.features
        } else {
            FeatureConfig::default()
        })]);
    };
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let config: FeatureConfig =
        toml::from_str(&text).with_context(|| path.display().to_string())?;
    config
        .validate()
        .with_context(|| path.display().to_string())?;
    Ok(vec![View::clean(config)])
}

/// Returns the feature configuration of an experiment.
///
/// # Errors
/// If the recipes of an ensemble have different configurations, because a file holds the features of only one.
fn features(experiment: Experiment) -> Result<FeatureConfig> {
    let mut members = experiment.members.iter().map(|member| &member.recipe);
    let first = members.next().context("the experiment has no recipe")?;
    if members.all(|other| other.features == first.features) {
        return Ok(first.features.clone());
    }
    let names = experiment.members.iter();
    let names: Vec<&str> = names.map(|member| member.recipe.name.as_str()).collect();
    bail!(
        "{} joins recipes with different features, but a file holds the features of only one: use --recipe {}, or fill a \
         --store with the features of all",
        experiment.name,
        names.join(" or --recipe ")
    )
}
