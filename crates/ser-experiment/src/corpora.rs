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
    let clips = clips_by_corpus(answers.plain());
    let corpora: BTreeSet<&str> = clips.keys().map(|(_, corpus)| *corpus).collect();
    let settings = answers.iter();
    let settings = settings.filter_map(|(setting, answers)| Some((known(setting)?, answers)));
    let settings = settings
        .map(|(known, answers)| Ok((known, speakers(answers), FoldSummary::compute(answers)?)));
    let settings: Vec<(Known, Speakers<'_>, FoldSummary)> = settings.collect::<Result<_>>()?;
    let all = speakers(answers.plain());
    let rows = clips.into_iter().map(|((split, tested), clips)| {
        // Clips of the tested speakers are not trained on, also if they are in another corpus.
        let has_others = |corpus: &&&str| {
            let (own, tested) = (all.get(**corpus), all.get(tested));
            own.zip(tested)
                .is_none_or(|(own, tested)| !own.is_subset(tested))
        };
        let trained = corpora.iter().filter(has_others);
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

/// Counts the predictions of each split and corpus.
pub(crate) fn clips_by_corpus(predictions: &Predictions) -> BTreeMap<(&str, &str), usize> {
    let mut clips = BTreeMap::new();
    for row in predictions.rows() {
        *clips.entry((&*row.split, corpus_of(row))).or_default() += 1;
    }
    clips
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the predictions for one happy and one sad clip of each speaker; `wrong` speakers are always called happy.
    fn predictions(speakers: &[(&str, &str)], wrong: &[&str]) -> Predictions {
        let clips = speakers.iter().flat_map(|clip| [(clip, 0), (clip, 1)]);
        let rows = clips.map(|((corpus, speaker), truth)| Prediction {
            clip: format!("{speaker}-{truth}"),
            speaker: (*speaker).to_owned(),
            truth,
            probabilities: if truth == 0 || wrong.contains(speaker) {
                vec![0.9, 0.1]
            } else {
                vec![0.1, 0.9]
            },
            split: format!("split-{corpus}"),
            gender: None,
            intensity: None,
            statement: None,
            attributes: [(CORPUS.to_owned(), (*corpus).to_owned())].into(),
        });
        let labels = ["happy", "sad"].map(str::to_owned).to_vec();
        Predictions::new(labels, rows.collect()).unwrap()
    }

    #[test]
    fn a_figure_of_some_speakers_does_not_stand_beside_one_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let write = |setting: Setting, predictions: Predictions| {
            let file = setting.file(folder.path(), "predictions");
            predictions.write_csv(file).unwrap();
        };
        let all = [("emo-db", "a"), ("emo-db", "b"), ("emovo", "c")];
        write(Setting::Plain, predictions(&all, &["a"]));
        // Speaker a has too few clips for 15 to be known.
        write(Setting::Enrolled(15), predictions(&all[1..], &[]));
        write(Setting::EnrolledAll, predictions(&all, &[]));
        let answers = Answers::read(folder.path(), "predictions").unwrap();
        let table = corpus_table(&answers.unwrap()).unwrap();
        let known: Vec<&str> = table.known.iter().map(|known| &*known.amount).collect();
        assert_eq!(known, ["alone", "15", "all"]);
        let rows = table.rows.iter();
        let rows: Vec<_> = rows
            .map(|row| (&*row.tested, row.clips, &*row.uar))
            .collect();
        assert_eq!(
            rows,
            [
                ("emo-db", 4, &[Some(0.75), None, Some(1.0)][..]),
                ("emovo", 2, &[Some(1.0), Some(1.0), Some(1.0)][..]),
            ]
        );
        assert_eq!(table.rows[0].trained, ["emovo"]);
    }

    #[test]
    fn a_corpus_of_the_tested_speakers_is_not_among_those_of_training() {
        let folder = tempfile::tempdir().unwrap();
        let all = [("ravdess", "a"), ("ravdess-song", "a"), ("emovo", "c")];
        let file = Setting::Plain.file(folder.path(), "predictions");
        predictions(&all, &[]).write_csv(file).unwrap();
        let answers = Answers::read(folder.path(), "predictions").unwrap();
        let table = corpus_table(&answers.unwrap()).unwrap();
        let trained: Vec<&[String]> = table.rows.iter().map(|row| &*row.trained).collect();
        assert_eq!(
            trained,
            [&["ravdess", "ravdess-song"][..], &["emovo"], &["emovo"]]
        );
    }
}
