//! `ser report`, and the pages that train, crossval and evaluate leave.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use ser_data::{Corpus, Protocol};
use ser_eval::report::{Report, RunSummary, SplitKind, render, render_summary};
use ser_eval::{Evaluation, NamedHistory, Predictions, plots, remove_file, write_file};
use ser_recipe::{Experiment, Recipe};

use crate::Outcome;
use crate::answers::Answers;
use crate::args::ReportArgs;
use crate::exhibits::Exhibits;
use crate::output::{SYNTHETIC, mean_std, percent, table};
use crate::run::{Cost, MODEL, RunInfo, SplitRun, TEST, is_split, split_folders};

/// The page in the folder of a run.
const PAGE: &str = "report.html";
/// The figures beside it.
const METRICS: &str = "metrics.json";

/// A run folder: one split, or one folder a split.
#[derive(Debug)]
pub struct Run {
    /// The folder.
    pub dir: PathBuf,
    /// The recipe or ensemble all splits were trained by.
    pub experiment: Experiment,
    /// What each split was made from.
    pub infos: Vec<RunInfo>,
    /// The model file of the first split.
    pub model: PathBuf,
    /// What training each split cost.
    pub costs: Vec<Cost>,
    /// Answers on the test parts.
    pub test: Answers,
    validation: Option<Answers>,
    histories: Vec<NamedHistory>,
}

impl Run {
    /// Reads a folder written by train or crossval.
    pub fn read(dir: &Path) -> Result<Self> {
        let folders = if is_split(dir) {
            vec![dir.to_owned()]
        } else {
            split_folders(dir)?
        };
        let mut splits = Vec::new();
        for folder in folders {
            if let Some(split) = SplitRun::read(&folder)? {
                splits.push((folder, split));
            }
        }
        let Some((first_dir, first)) = splits.first() else {
            bail!(
                "{}: no finished run here; write one with `ser crossval`",
                dir.display()
            );
        };
        let (found, expected) = (splits.len(), first.info.splits);
        if !is_split(dir) && found != expected {
            let dir = dir.display();
            bail!("{dir} holds {found} of {expected} splits: `ser crossval` again does the others");
        }
        let (experiment, model) = (first.experiment.clone(), first_dir.join(MODEL));
        for (folder, split) in &splits {
            if split.experiment != experiment || split.info.checksum != first.info.checksum {
                let (a, b) = (first_dir.display(), folder.display());
                bail!("{a} and {b} come from different recipes or data: run `ser crossval` again");
            }
        }
        let mut run = Self {
            dir: dir.to_owned(),
            experiment,
            model,
            infos: Vec::new(),
            histories: Vec::new(),
            test: first.test.clone(),
            validation: None,
            costs: Vec::new(),
        };
        let (mut test, mut validation) = (Vec::new(), Vec::new());
        for (_, split) in splits {
            run.histories.extend(split.histories);
            run.infos.push(split.info);
            run.costs.push(split.cost);
            test.push(split.test);
            validation.extend(split.validation);
        }
        run.test = Answers::pool(test)?;
        if !validation.is_empty() {
            run.validation = Some(Answers::pool(validation)?);
        }
        Ok(run)
    }

    /// The emotions told apart, in label order.
    pub fn emotions(&self) -> &[String] {
        self.test.plain.labels()
    }

    /// Whether the audio was synthetic.
    pub fn synthetic(&self) -> bool {
        self.infos.iter().any(|info| info.synthetic)
    }

    fn architectures(&self) -> String {
        architectures(self.experiment.members.iter().map(|m| &m.recipe))
    }

    /// This run as a row beside others.
    pub fn summary(&self, evaluation: &Evaluation) -> Result<RunSummary> {
        Ok(self.report(&[])?.summary(evaluation, None))
    }

    /// What makes such a run of some clips, in a folder.
    pub fn command(&self, data: &str, out: &str) -> String {
        let (name, protocol) = (&self.experiment.name, self.experiment.task.protocol);
        // A recipe that is not built in came from a file.
        let file = Experiment::load(name).map_or(".toml", |_| "");
        format!(
            "ser crossval --recipe {name}{file} --protocol {protocol} --data {data} --out {out}"
        )
    }

    fn report(&self, comparison: &[RunSummary]) -> Result<Report> {
        let protocol = self.experiment.task.protocol;
        let info = &self.infos[0];
        let trained = [info.train, info.validation, info.test];
        let [train, validation, test] = trained.map(|n| n.to_string());
        Ok(Report {
            recipe: self.experiment.name.clone(),
            model: self.architectures(),
            protocol: describe(protocol).to_owned(),
            split: SplitKind::of(protocol.is_speaker_disjoint()),
            synthetic: self.synthetic(),
            predictions: self.test.plain.clone(),
            enrolled: self.test.described(),
            histories: self.histories.clone(),
            map: None,
            sounds: Vec::new(),
            recipe_text: self.experiment.to_toml()?,
            environment: vec![
                ("program".to_owned(), format!("ser {}", info.program)),
                ("libtorch".to_owned(), info.libtorch.clone()),
                ("threads a training".to_owned(), info.threads.to_string()),
                ("corpus".to_owned(), info.corpus.clone()),
                ("corpus checksum".to_owned(), info.checksum.clone()),
                (
                    "clips of the first split".to_owned(),
                    format!("{train} training, {validation} validation, {test} test"),
                ),
                ("files left out".to_owned(), info.skipped.len().to_string()),
            ],
            command: self.command("DATA", "DIR"),
            comparison: comparison.to_vec(),
        })
    }
}

/// The kinds of network of some recipes, each once.
pub fn architectures<'a>(recipes: impl IntoIterator<Item = &'a Recipe>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for recipe in recipes {
        let name = recipe.network.name();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(" + ")
}

/// A protocol in one sentence.
pub fn describe(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Seed5 => "stratified random 80/20 splits, five seeds",
        Protocol::Random10 => "stratified random 10-fold",
        Protocol::FoldsA => "five fixed folds of RAVDESS actors (folds A)",
        Protocol::FoldsB => "six fixed folds of RAVDESS actors (folds B, EmoBox)",
        Protocol::Loso => "leave one speaker out",
        Protocol::Statement => "trained on one sentence, tested on the other, by other actors",
        Protocol::Speakers5 => "five folds of speakers",
    }
}

/// `ser report`
pub fn run(args: &ReportArgs) -> Result<Outcome> {
    let runs = args
        .runs
        .iter()
        .map(|dir| Run::read(dir))
        .collect::<Result<Vec<_>>>()?;
    let mut rows = Vec::new();
    for run in &runs {
        let evaluation = Evaluation::compute(&run.test.plain)?;
        rows.push(run.summary(&evaluation)?);
    }
    if let Some(data) = &args.data {
        let corpus = Corpus::load(data)?.corpus;
        for run in &runs {
            write(run, &rows, &corpus)?;
            println!("report: {}", run.dir.join(PAGE).display());
        }
    }
    if let Some(out) = &args.out {
        for (row, run) in rows.iter_mut().zip(&runs) {
            row.page = Some(link(out, &run.dir.join(PAGE)));
        }
        write_file(out, render_summary(&rows))?;
        let rows = rows.iter().map(|row| {
            let uar = row.uar_interval.as_ref();
            vec![
                row.recipe.clone(),
                mean_std(row.accuracy),
                mean_std(row.uar),
                uar.map_or_else(String::new, |i| {
                    format!("{} – {}", percent(i.low), percent(i.high))
                }),
            ]
        });
        println!(
            "{}",
            table(&["recipe", "accuracy", "UAR", "95 % interval of UAR"], rows)
        );
        println!("comparison: {}", out.display());
    }
    Ok(Outcome::Done)
}

/// Writes metrics, pictures and the page of a run into its folder, from the clips it was made from.
pub fn write(run: &Run, comparison: &[RunSummary], corpus: &Corpus) -> Result<Evaluation> {
    let mut report = run.report(comparison)?;
    let Exhibits { sounds, map } = Exhibits::of_run(run, corpus)?;
    (report.sounds, report.map) = (sounds, map);
    let evaluation = Evaluation::compute(&run.test.plain)?;
    if run.infos.len() > 1 {
        run.test.write(&run.dir, TEST)?;
    }
    write_page(&run.dir, &report, &evaluation)?;
    Ok(evaluation)
}

/// Writes metrics, pictures and the page of a report into a folder.
pub fn write_page(dir: &Path, report: &Report, evaluation: &Evaluation) -> Result<()> {
    write_file(dir.join(METRICS), serde_json::to_string_pretty(evaluation)?)?;
    plots::write_all(dir, report, evaluation)?;
    write_file(dir.join(PAGE), render(report)?)?;
    Ok(())
}

/// Removes the page of a folder, its metrics and the answers they are made of: they are not those of a run
/// that takes its place. Pictures go when the next page is written.
pub fn remove_page(dir: &Path) -> Result<()> {
    Answers::remove(dir, TEST)?;
    remove_file(dir.join(METRICS))?;
    Ok(remove_file(dir.join(PAGE))?)
}

/// The end of train and crossval.
pub fn print(run: &Run, evaluation: &Evaluation, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(evaluation)?);
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
        println!(
            "A random split has the same voices on both sides: it flatters. The figure for new \
             speakers is that of a speaker-disjoint protocol, such as folds-a."
        );
    }
    print_other_parts(run)?;
    if run.synthetic() {
        println!("{SYNTHETIC}");
    }
    println!("report: {}", run.dir.join(PAGE).display());
    println!(
        "model:  {} (try `ser predict --model`)",
        run.model.display()
    );
    Ok(())
}

/// What is not the plain answer on the test part: enrolment, and validation.
fn print_other_parts(run: &Run) -> Result<()> {
    let line = |what: &str, answers: &Predictions| -> Result<()> {
        let folds = Evaluation::compute(answers)?.folds;
        let (accuracy, uar) = (mean_std(folds.accuracy), mean_std(folds.uar));
        println!("{what}: accuracy {accuracy}, UAR {uar}");
        Ok(())
    };
    for (known, answers) in run.test.enrolled() {
        line(&known.to_string(), answers)?;
    }
    if let Some(validation) = &run.validation {
        line("validation clips", &validation.plain)?;
        for (known, answers) in validation.enrolled() {
            line(&format!("validation clips, {known}"), answers)?;
        }
    }
    let seconds: f64 = run.costs.iter().map(|cost| cost.seconds).sum();
    let parameters = run.costs.first().map_or(0, |cost| cost.parameters);
    println!("{parameters} trained values, {seconds:.0} s of training");
    Ok(())
}

/// Precision, recall, F1 and support of each class.
pub fn print_classes(evaluation: &Evaluation) {
    let metrics = &evaluation.metrics;
    let rows = metrics
        .labels
        .iter()
        .zip(&metrics.classes)
        .map(|(label, class)| {
            let defined = |figure: f64, is: bool| match is {
                true => percent(figure),
                false => "–".to_owned(),
            };
            vec![
                label.clone(),
                defined(class.precision, class.precision_defined),
                defined(class.recall, class.recall_defined),
                defined(class.f1, class.precision_defined || class.recall_defined),
                class.support.to_string(),
            ]
        });
    println!(
        "{}",
        table(&["emotion", "precision", "recall", "F1", "support"], rows)
    );
}

/// How a page names a file below its own folder; a file elsewhere by its full path.
pub fn link(page: &Path, file: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (page, file) = (absolute(page), absolute(file));
    let folder = page.parent().unwrap_or(Path::new(""));
    file.strip_prefix(folder)
        .unwrap_or(&file)
        .to_string_lossy()
        .replace('\\', "/")
}
