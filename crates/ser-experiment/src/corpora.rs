//! The figures by corpus of a run in which each corpus was tested with a model trained on the others.

use std::collections::{BTreeMap, BTreeSet};

use ser_data::CORPUS;
use ser_eval::{FoldSummary, Prediction, Predictions};
use ser_report::{CorpusRow, CorpusTable, Known};

use crate::answers::Answers;
use crate::error::Result;
use crate::setting::Setting;

/// Computes the table of UAR by corpus.
pub(crate) fn corpus_table(answers: &Answers) -> Result<CorpusTable> {
    let mut clips: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in answers.plain().rows() {
        *clips.entry((&row.split, corpus_of(row))).or_default() += 1;
    }
    let corpora: BTreeSet<&str> = clips.keys().map(|(_, corpus)| *corpus).collect();
    let settings = answers.iter();
    let settings = settings.filter_map(|(setting, answers)| Some((known(setting)?, answers)));
    let settings = settings
        .map(|(known, answers)| Ok((known, speakers(answers), FoldSummary::compute(answers)?)));
    let settings: Vec<(Known, Speakers<'_>, FoldSummary)> = settings.collect::<Result<_>>()?;
    let all = speakers(answers.plain());
    let rows = clips.into_iter().map(|((split, tested), clips)| {
        let trained = corpora.iter().filter(|corpus| **corpus != tested);
        let uar = settings.iter().map(|(_, speakers, figures)| {
            // The figure of some of the speakers is not comparable with that of all.
            let is_of_all = speakers.get(tested) == all.get(tested);
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

/// The names of the speakers whose clips are predicted, by corpus.
type Speakers<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn speakers(predictions: &Predictions) -> Speakers<'_> {
    let mut speakers = Speakers::new();
    for row in predictions.rows() {
        let of_corpus = speakers.entry(corpus_of(row)).or_default();
        of_corpus.insert(&row.speaker);
    }
    speakers
}

fn corpus_of(row: &Prediction) -> &str {
    row.attributes.get(CORPUS).map_or("", String::as_str)
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
