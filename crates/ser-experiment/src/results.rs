//! The document of results.

use ser_report::{Section, SplitKind, markdown};

use crate::error::{Error, Result};
use crate::run::{Run, describe, enrolled};

const TITLE: &str = "Results";
const PREFACE: &str = "\
Every figure on this page was measured by the command beside it. `ser results` wrote the page from the
folders that these commands left. Networks are trained from scratch. The same program, machine and thread
count give the same figures; another processor or libtorch may round differently.

Figures are means over the splits ± their sample standard deviation. The brackets hold the 95 % interval
of the pooled predictions, from resampling speakers, if there are six or more. The test part of a split
decides no epoch, temperature or threshold. *Enrolled* means that other clips of the test speaker were
known, without their labels; these clips were drawn three times.
In a random split, training and test share voices and sentences: read its figures beside those for new
speakers.";

/// Returns the Markdown document of the results of cross-validations, in the order given.
///
/// # Errors
/// [`Error::OneSplit`] if a run is a single split; [`Error::Eval`] or [`Error::Report`] if the figures cannot be computed.
pub fn results(runs: &[Run]) -> Result<String> {
    let sections = runs.iter().map(section).collect::<Result<Vec<_>>>()?;
    Ok(markdown(TITLE, PREFACE, &sections)?)
}

fn section(run: &Run) -> Result<Section> {
    let (found, expected) = (run.infos.len(), run.infos[0].splits);
    if found != expected {
        return Err(Error::OneSplit {
            path: run.dir.clone(),
            expected,
        });
    }
    let name = &run.experiment.name;
    let protocol = run.experiment.task.protocol;
    let splits = run.infos.iter().zip(&run.costs);
    let (data, out) = (
        run.infos[0].corpus.to_uppercase(),
        format!("{name}-{protocol}"),
    );
    let mut command = run.command(&data, &out);
    if run.test.conditions().next().is_some() {
        command += &format!("\nser conditions {out} --data {data}");
    }
    Ok(Section {
        recipe: format!("{name} {protocol}"),
        description: run.experiment.description.clone(),
        protocol: describe(protocol).to_owned(),
        split: SplitKind::of(protocol.is_speaker_disjoint()),
        synthetic: run.synthetic(),
        command,
        parameters: run.parameters(),
        seconds: run.seconds(),
        temperatures: splits
            .filter(|_| run.experiment.task.counted_as.is_empty())
            .map(|(info, cost)| (info.split.clone(), cost.temperature))
            .collect(),
        plain: run.test.plain().clone(),
        enrolled: enrolled(&run.test),
        corpora: run.corpora()?,
        conditions: run
            .test
            .conditions()
            .map(|(setting, answers)| (setting.to_string(), answers.clone()))
            .collect(),
    })
}
