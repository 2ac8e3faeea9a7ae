//! Writes results as Markdown, for a document that is kept with the code.

use std::fmt::Write;

use ser_eval::bootstrap::Interval;
use ser_eval::{
    Evaluation, FoldSummary, GroupRow, MeanStd, Metrics, Predictions, coverage, temper,
};

use crate::error::Result;
use crate::figures::{percent, percent_or_dash, plus_minus, points};
use crate::report::{CorpusTable, Enrolled, Known, SplitKind};

/// One run in a document of results.
#[derive(Debug, Clone)]
pub struct Section {
    /// Name of the recipe.
    pub recipe: String,
    /// Description of the recipe, in one sentence.
    pub description: String,
    /// Description of the protocol, in one phrase.
    pub protocol: String,
    /// Whether test speakers are also in training.
    pub split: SplitKind,
    /// Whether the audio is synthetic.
    pub synthetic: bool,
    /// The command that makes the run.
    pub command: String,
    /// Number of trained parameters of a split's model.
    pub parameters: usize,
    /// Duration of the trainings on all splits and inner splits, in seconds.
    pub seconds: f64,
    /// The temperature of each split's model, by the name of the split; 1 if none was fitted. Empty if it cannot be removed from the
    /// predictions, because probabilities of several labels were added after it was applied.
    pub temperatures: Vec<(String, f64)>,
    /// Test predictions for each clip alone.
    pub plain: Predictions,
    /// Test predictions with enrolment.
    pub enrolled: Vec<Enrolled>,
    /// UAR by corpus, if corpora are tested.
    pub corpora: Option<CorpusTable>,
    /// Test predictions under recording conditions, by the name of the condition.
    pub conditions: Vec<(String, Predictions)>,
}

/// Returns a document with a table of all runs and a section for each run.
///
/// # Errors
/// [`ser_eval::Error::Empty`] if a run has no predictions.
pub fn markdown(title: &str, preface: &str, sections: &[Section]) -> Result<String> {
    let evaluated = sections
        .iter()
        .map(|section| Ok((section, Evaluation::compute(&section.plain)?)))
        .collect::<Result<Vec<_>>>()?;
    let mut text = format!("# {title}\n\n{}\n\n", preface.trim());
    let rows = evaluated.iter().map(|(section, evaluation)| {
        let folds = &evaluation.folds;
        vec![
            format!(
                "[{0}](#{1})",
                section.recipe,
                section.recipe.replace(' ', "-")
            ),
            section.protocol.clone(),
            split(section.split).to_owned(),
            figure(folds.accuracy, evaluation.accuracy_interval),
            figure(folds.uar, evaluation.uar_interval),
        ]
    });
    let header = ["run", "protocol", "test speakers", "accuracy %", "UAR %"];
    table(&mut text, &header, rows);
    for (section, evaluation) in &evaluated {
        write_section(&mut text, section, evaluation)?;
    }
    Ok(text)
}

fn split(kind: SplitKind) -> &'static str {
    match kind {
        SplitKind::SpeakerDisjoint => "new",
        SplitKind::Random => "also in training: optimistic",
    }
}

fn write_section(text: &mut String, section: &Section, evaluation: &Evaluation) -> Result<()> {
    let folds = &evaluation.folds;
    let synthetic = if section.synthetic {
        " SYNTHETIC DATA: these figures say nothing about emotions."
    } else {
        ""
    };
    let _ = write!(
        text,
        "## {}\n\n{}; {}.{synthetic} Accuracy {} %, UAR {} %. {} trained parameters, {:.0} s \
         of training in all.\n\n```sh\n{}\n```\n\n",
        section.recipe,
        section.description,
        section.protocol,
        figure(folds.accuracy, evaluation.accuracy_interval),
        figure(folds.uar, evaluation.uar_interval),
        section.parameters,
        section.seconds,
        section.command,
    );
    if !section.enrolled.is_empty() {
        let mut rows = vec![vec![
            "none".to_owned(),
            figure(folds.accuracy, evaluation.accuracy_interval),
            figure(folds.uar, evaluation.uar_interval),
        ]];
        for known in &section.enrolled {
            let evaluation = Evaluation::compute(&known.predictions)?;
            rows.push(vec![
                known.description.clone(),
                figure(evaluation.folds.accuracy, evaluation.accuracy_interval),
                figure(evaluation.folds.uar, evaluation.uar_interval),
            ]);
        }
        table(text, &["enrolled, unlabelled", "accuracy %", "UAR %"], rows);
    }
    if let Some(found) = &section.corpora {
        write_corpora(text, found);
    }
    if !section.conditions.is_empty() {
        let mut rows = Vec::new();
        for (condition, predictions) in &section.conditions {
            let under = Evaluation::compute(predictions)?;
            let clean = FoldSummary::compute(&section.plain.of_clips_in(predictions))?;
            rows.push(vec![
                condition.clone(),
                figure(under.folds.accuracy, under.accuracy_interval),
                figure(under.folds.uar, under.uar_interval),
                points(under.folds.uar.mean - clean.uar.mean),
            ]);
        }
        let header = ["condition", "accuracy %", "UAR %", "UAR − clean"];
        table(text, &header, rows);
    }
    let rows = folds.folds.iter().map(|fold| {
        vec![
            fold.split.clone(),
            fold.n.to_string(),
            percent(fold.accuracy),
            percent(fold.uar),
        ]
    });
    table(text, &["split", "clips", "accuracy %", "UAR %"], rows);
    let metrics = &evaluation.metrics;
    let rows = metrics.classes.iter().map(|class| {
        vec![
            class.label.clone(),
            percent_or_dash(class.precision_defined.then_some(class.precision)),
            percent_or_dash(class.recall_defined.then_some(class.recall)),
            percent_or_dash((class.precision_defined || class.recall_defined).then_some(class.f1)),
            class.support.to_string(),
        ]
    });
    let header = ["emotion", "precision %", "recall %", "F1 %", "clips"];
    table(text, &header, rows);
    let groups = [
        ("gender", &evaluation.genders),
        ("intensity", &evaluation.intensities),
        ("statement", &evaluation.statements),
    ];
    for (name, groups) in groups {
        if !groups.is_empty() {
            let header = [name, "clips", "accuracy %", "UAR %"];
            table(text, &header, groups.iter().map(group_row));
        }
    }
    write_confidence(text, section, metrics.calibration_error)
}

fn write_corpora(text: &mut String, found: &CorpusTable) {
    let known = found.known.iter().map(Known::to_string);
    let header = ["tested", "trained on", "clips"].map(str::to_owned);
    let header: Vec<String> = header.into_iter().chain(known).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = found.rows.iter().map(|row| {
        let first = [
            row.tested.clone(),
            row.trained.join(", "),
            row.clips.to_string(),
        ];
        first
            .into_iter()
            .chain(row.uar.iter().copied().map(percent_or_dash))
            .collect()
    });
    let first = ["mean", "", ""].map(str::to_owned).into_iter();
    let means = found.means().into_iter().map(percent_or_dash);
    let means = first.chain(means).collect();
    let _ = writeln!(
        text,
        "UAR % on corpora that the model was not trained on:\n"
    );
    table(text, &header, rows.chain([means]));
}

/// Writes the calibration error, and the accuracy of the most confident predictions.
fn write_confidence(text: &mut String, section: &Section, calibrated: f64) -> Result<()> {
    let _ = write!(text, "Expected calibration error {} %", percent(calibrated));
    if section.temperatures.iter().any(|(_, t)| *t != 1.0) {
        let raw = without_temperatures(section)?;
        let raw = Metrics::compute(&raw)?.calibration_error;
        let _ = write!(text, ", without a temperature {} %", percent(raw));
    }
    text.push_str(
        ". Accuracy of the most confident predictions, pooled over the splits (the accuracy above is a mean over the \
         splits):\n\n",
    );
    let rows = coverage(&section.plain).into_iter().map(|c| {
        vec![
            percent(c.share),
            percent(c.accuracy),
            format!("{:.2}", c.confidence),
        ]
    });
    table(text, &["answered %", "accuracy %", "confidence from"], rows);
    Ok(())
}

/// Returns the predictions as they were before the temperature of their split was applied.
fn without_temperatures(section: &Section) -> Result<Predictions> {
    let mut rows = section.plain.rows().to_vec();
    for row in &mut rows {
        let of = section
            .temperatures
            .iter()
            .find(|(split, _)| *split == row.split);
        temper(&mut row.probabilities, of.map_or(1.0, |(_, t)| 1.0 / t));
    }
    Ok(Predictions::new(section.plain.labels().to_vec(), rows)?)
}

fn group_row(group: &GroupRow) -> Vec<String> {
    let with =
        |mean: f64, interval: Option<Interval>| figure(MeanStd { mean, std: None }, interval);
    vec![
        group
            .group
            .clone()
            .unwrap_or_else(|| "not known".to_owned()),
        group.n.to_string(),
        with(group.accuracy, group.accuracy_interval),
        with(group.uar, group.uar_interval),
    ]
}

/// Formats a figure as `67.7 ± 4.0 (61.2 – 73.0)`: mean, standard deviation over the splits, interval over speakers.
fn figure(over_splits: MeanStd, interval: Option<Interval>) -> String {
    let mut text = plus_minus(over_splits);
    if let Some(Interval { low, high }) = interval {
        let _ = write!(text, " ({} – {})", percent(low), percent(high));
    }
    text
}

fn table(text: &mut String, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    text.push_str(&line(
        &header
            .iter()
            .map(|&cell| cell.to_owned())
            .collect::<Vec<_>>(),
    ));
    text.push_str(&line(&vec!["---".to_owned(); header.len()]));
    for row in rows {
        // A vertical bar would end the cell.
        let row: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        text.push_str(&line(&row));
    }
    text.push('\n');
}
