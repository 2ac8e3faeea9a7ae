use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{Access, KnownCorpus, Labelling, Labels, decoded, stem};
use crate::{Result, Table};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "meld",
    title: "MELD",
    language: "English (North America)",
    recordings: 13_706,
    speakers: 304,
    notes: "Cut from a television series, with its music and laughter. `dia125_utt3` in train cannot be decoded; `dia110_utt7` in dev \
            is missing.",
    licence: "GPL 3.0; the series belongs to its makers",
    citation: "S. Poria, D. Hazarika, N. Majumder, G. Naik, E. Cambria, R. Mihalcea: MELD: A Multimodal Multi-Party Dataset for Emotion \
               Recognition in Conversation. ACL 2019",
    address: "https://affective-meld.github.io",
    access: Access::ByHand("it comes in an archive of more than 10 GB, not in zip"),
    example: "train_splits/dia0_utt0.mp4",
    labelling: Labelling::Tables(labels),
};

const EMOTIONS: [(&str, &str); 7] = [
    ("anger", "angry"),
    ("disgust", "disgust"),
    ("fear", "fearful"),
    ("joy", "happy"),
    ("neutral", "neutral"),
    ("sadness", "sad"),
    ("surprise", "surprised"),
];
const COLUMNS: [&str; 4] = ["dialogue_id", "utterance_id", "emotion", "speaker"];
const PARTS: [&str; 3] = ["train", "dev", "test"];

/// Dialogues are numbered anew in each part; a folder gives the part.
fn labels(files: &[PathBuf]) -> Result<HashMap<PathBuf, Labels>> {
    let mut told = HashMap::new();
    for (part, path) in files
        .iter()
        .filter_map(|path| Some((part_of_table(path)?, path)))
    {
        for (utterance, emotion, speaker) in read(path)? {
            told.insert((part, utterance), (emotion, speaker));
        }
    }
    let labels = |path: &PathBuf| {
        let utterance = stem(path)?;
        let part = part_of_recording(path)?;
        let (emotion, speaker) = told.get(&(part, utterance.to_owned()))?;
        let labels = Labels {
            recording: format!("{part}/{utterance}"),
            emotion,
            speaker: speaker.clone(),
            ..Labels::default()
        };
        Some((path.clone(), labels))
    };
    Ok(files.iter().filter_map(labels).collect())
}

fn part_of_table(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    let part = name.strip_suffix("_sent_emo.csv")?;
    PARTS.into_iter().find(|known| *known == part)
}

/// Recognises `train_splits`, `dev_splits_complete`, `output_repeated_splits_test` and similar folders.
fn part_of_recording(path: &Path) -> Option<&'static str> {
    let folders = path.ancestors().skip(1);
    let mut folders = folders.filter_map(|folder| folder.file_name()?.to_str());
    folders.find_map(|folder| {
        PARTS
            .into_iter()
            .find(|part| folder.split('_').any(|word| word == *part))
    })
}

/// Returns the file name of each utterance, its emotion and its speaker.
fn read(path: &Path) -> Result<Vec<(String, &'static str, String)>> {
    let bytes = std::fs::read(path).map_err(ser_files::Error::at(path))?;
    // Some quotation marks are in a Windows encoding.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let table = Table::read(path, text, &COLUMNS)?;
    let mut rows = Vec::new();
    for row in table.rows() {
        let [dialogue, utterance, emotion, speaker] = COLUMNS.map(|column| row.required(column));
        let emotion = decoded(&EMOTIONS, emotion?)
            .ok_or_else(|| row.wrong(COLUMNS[2], "an emotion of MELD"))?;
        rows.push((
            format!("dia{}_utt{}", dialogue?, utterance?),
            emotion,
            speaker?.to_owned(),
        ));
    }
    Ok(rows)
}
