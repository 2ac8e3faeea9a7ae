//! The commands `ser train` and `ser crossval`.

use std::num::NonZeroUsize;

use anyhow::{Result, bail};
use ser_eval::{Evaluation, Predictions};
use ser_experiment::{Finished, Folders, Run, cross_validate, train_one};
use ser_recipe::{Experiment, Task};

use crate::args::{CrossvalArgs, ExperimentArgs, TrainArgs};
use crate::output::{SYNTHETIC, mean_std, percent, table};
use crate::report::{print_classes, print_corpora};
use crate::{Outcome, events};

/// Says what the figures of a random split are worth.
pub const RANDOM: &str = "In a random split, training and test clips share voices, so these figures are too optimistic for new \
     speakers. To measure performance on new speakers, use a speaker-disjoint protocol: speakers-5, or folds-a on RAVDESS.";

/// Runs `ser train`: trains on one split, and writes its files directly into `--out`.
pub fn train(args: &TrainArgs, json: bool) -> Result<Outcome> {
    ser_experiment::keep_freed_memory();
    let experiment = Experiment::load(&args.experiment.recipe)?;
    if experiment.members.len() > 1 {
        let members = experiment.members.iter();
        let members: Vec<&str> = members.map(|member| member.recipe.name.as_str()).collect();
        bail!(
            "{} is an ensemble, and `ser train` trains only one recipe: use `ser crossval`, or name one of its members: {}",
            experiment.name,
            members.join(", ")
        );
    }
    let recipe = experiment.into_recipe()?;
    let folders = args.experiment.folders();
    let trained = train_one(&recipe, args.split, &folders, &events::show())?;
    print(&trained, json)
}

/// Runs `ser crossval`: trains on every split, and writes each into its own folder below `--out`.
pub fn run(args: &CrossvalArgs, json: bool) -> Result<Outcome> {
    ser_experiment::keep_freed_memory();
    let mut experiment = Experiment::load(&args.experiment.recipe)?;
    if let Some(protocol) = args.protocol {
        let task = Task {
            protocol,
            ..experiment.task.clone()
        };
        experiment = experiment.with_task(task)?;
    }
    let folders = args.experiment.folders();
    let trained = cross_validate(
        &experiment,
        &folders,
        args.jobs.map(NonZeroUsize::get),
        &events::show(),
    )?;
    print(&trained, json)
}

fn print(finished: &Finished, json: bool) -> Result<Outcome> {
    print_run(&finished.run, &finished.evaluation, json)?;
    Ok(Outcome::of(&finished.skipped))
}

/// Prints the figures of a run.
fn print_run(run: &Run, evaluation: &Evaluation, json: bool) -> Result<()> {
    if json {
        let mut line = serde_json::to_value(evaluation)?;
        line["synthetic"] = run.synthetic().into();
        line["model"] = run.model.display().to_string().into();
        println!("{line}");
        return Ok(());
    }
    let rows = evaluation.folds.folds.iter().map(|fold| {
        vec![
            fold.split.clone(),
            fold.n.to_string(),
            percent(fold.accuracy),
            percent(fold.uar),
        ]
    });
    println!(
        "{}",
        table(&["split", "test clips", "accuracy", "UAR"], rows)
    );
    print_classes(evaluation);
    let protocol = run.experiment.task.protocol;
    println!(
        "{} on {protocol}: accuracy {}, UAR {}",
        run.experiment.name,
        mean_std(evaluation.folds.accuracy),
        mean_std(evaluation.folds.uar)
    );
    if !protocol.is_speaker_disjoint() {
        println!("{RANDOM}");
    }
    print_other_parts(run)?;
    if run.synthetic() {
        println!("{SYNTHETIC}");
    }
    println!("report: {}", run.page().display());
    println!("A model for use, trained on all clips: `ser fit --recipe`");
    Ok(())
}

/// Prints the figures other than those of the plain answers on the test part: with enrolment, and on validation clips.
fn print_other_parts(run: &Run) -> Result<()> {
    let line = |what: &str, answers: &Predictions| -> Result<()> {
        let folds = Evaluation::compute(answers)?.folds;
        let (accuracy, uar) = (mean_std(folds.accuracy), mean_std(folds.uar));
        println!("{what}: accuracy {accuracy}, UAR {uar}");
        Ok(())
    };
    match run.corpora()? {
        Some(found) => print_corpora(&found),
        None => {
            for (known, answers) in run.test.enrolled() {
                line(&known.to_string(), answers)?;
            }
        }
    }
    if let Some(validation) = &run.validation {
        line("validation clips", validation.plain())?;
        for (known, answers) in validation.enrolled() {
            line(&format!("validation clips, {known}"), answers)?;
        }
    }
    let (parameters, seconds) = (run.parameters(), run.seconds());
    println!("{parameters} trained parameters, {seconds:.0} s of training");
    Ok(())
}

impl ExperimentArgs {
    /// Returns where the clips come from and where the results go.
    pub fn folders(&self) -> Folders<'_> {
        Folders {
            data: self.data.origins(),
            store: self.store.as_deref(),
            out: &self.out,
        }
    }
}
