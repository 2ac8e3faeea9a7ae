//! The figures by corpus of a run in which each corpus was tested with a model trained on the others.

use std::collections::{BTreeMap, BTreeSet};

use ser_data::CORPUS;
use ser_eval::{FoldSummary, Predictions};
use ser_report::{CorpusRow, CorpusTable, Known};

use crate::answers::Answers;
use crate::error::Result;
use crate::setting::Setting;

/// Computes the table of UAR by corpus.
pub(crate) fn corpus_table(answers: &Answers) -> Result<CorpusTable> {
    let mut clips: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in answers.plain().rows() {
        let corpus = row.attributes.get(CORPUS).map_or("", String::as_str);
        *clips.entry((&row.split, corpus)).or_default() += 1;
    }
    let corpora: BTreeSet<&str> = clips.keys().map(|(_, corpus)| *corpus).collect();
    let settings = answers.iter();
    let settings = settings.filter_map(|(setting, answers)| Some((known(setting)?, answers)));
    let settings =
        settings.map(|(known, answers)| Ok((known, answers, FoldSummary::compute(answers)?)));
    let settings: Vec<(Known, &Predictions, FoldSummary)> = settings.collect::<Result<_>>()?;
    let rows = clips.into_iter().map(|((split, tested), clips)| {
        let trained = corpora.iter().filter(|corpus| **corpus != tested);
        let all = speakers(answers.plain(), tested);
        let uar = settings.iter().map(|(_, answers, figures)| {
            // The figure of some of the speakers is not comparable with that of all.
            let is_of_all = speakers(answers, tested) == all;
            is_of_all.then(|| figures.uar_of_splits().get(split).copied())?
        });
        CorpusRow {
            tested: tested.to_owned(),
            trained: trained.map(|corpus| (*corpus).to_owned()).collect(),
            clips,
            uar: uar.collect(),
        }
    });
    Ok(CorpusTable {
        rows: rows.collect(),
        known: settings.into_iter().map(|(known, ..)| known).collect(),
    })
}

/// Returns the names of the speakers of a corpus whose clips are predicted.
fn speakers<'a>(predictions: &'a Predictions, corpus: &str) -> BTreeSet<&'a str> {
    let rows = predictions.rows().iter();
    let rows = rows.filter(|row| row.attributes.get(CORPUS).map_or("", String::as_str) == corpus);
    rows.map(|row| row.speaker.as_str()).collect()
}

/// Returns the column of a setting. Conditions have none.
fn known(setting: Setting) -> Option<Known> {
    let (what, amount) = match setting {
        Setting::Plain => ("", "alone".to_owned()),
        Setting::Enrolled(n) => ("enrolled", n.to_string()),
        Setting::EnrolledAll => ("enrolled", "all".to_owned()),
        Setting::Collection => ("collection", "all".to_owned()),
        Setting::Labelled(n) => ("labelled", n.to_string()),
        Setting::Condition(_) => return None,
    };
    Some(Known {
        what: what.to_owned(),
        amount,
    })
}
