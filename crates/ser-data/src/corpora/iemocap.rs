use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, stem};
use crate::Result;

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "iemocap",
    title: "IEMOCAP",
    language: "English (North America)",
    recordings: 7529,
    speakers: 10,
    notes: "Scripted and improvised dialogues. Of 10 039 turns, those on whose emotion most judges agreed.",
    licence: "research, after a registration",
    citation: "C. Busso, M. Bulut, C.-C. Lee, A. Kazemzadeh, E. Mower, S. Kim, J. N. Chang, S. Lee, S. S. Narayanan: IEMOCAP: interactive \
               emotional dyadic motion capture database. Language Resources and Evaluation 42(4), 335-359, 2008",
    address: "https://sail.usc.edu/iemocap",
    access: Access::ByHand("it requires a registration"),
    example: "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav",
    labelling: Labelling::Tables(labels),
};

/// Without `oth` and `xxx`, which mark turns on which the judges did not agree.
const EMOTIONS: [(&str, &str); 9] = [
    ("ang", "angry"),
    ("dis", "disgust"),
    ("exc", "excited"),
    ("fea", "fearful"),
    ("fru", "frustrated"),
    ("hap", "happy"),
    ("neu", "neutral"),
    ("sad", "sad"),
    ("sur", "surprised"),
];
const GENDERS: [(&str, &str); 2] = [("F", FEMALE), ("M", MALE)];

fn labels(files: &[PathBuf]) -> Result<HashMap<PathBuf, Labels>> {
    let mut told = HashMap::new();
    for path in files.iter().filter(|path| is_evaluation(path)) {
        let bytes = std::fs::read(path).map_err(ser_files::Error::at(path))?;
        let text = String::from_utf8_lossy(&bytes);
        for line in text.lines() {
            // The columns are the time (`[6.2901 - 8.2357]`), the turn, its emotion, and valence, activation and
            // dominance.
            let mut columns = line
                .split('\t')
                .skip_while(|column| !column.starts_with('['));
            if let (Some(_), Some(turn), Some(emotion)) =
                (columns.next(), columns.next(), columns.next())
            {
                told.insert(turn.to_owned(), emotion.to_owned());
            }
        }
    }
    let labels = |path: &PathBuf| {
        let turn = stem(path)?;
        let emotion = decoded(&EMOTIONS, told.get(turn)?)?;
        // In `Ses01F_impro01_M000`, the last letter says who speaks, and the one after the session who wears the
        // markers.
        let (dialogue, utterance) = turn.rsplit_once('_')?;
        let (session, gender) = (turn.get(..5)?, utterance.get(..1)?);
        let labels = Labels {
            recording: turn.to_owned(),
            emotion,
            speaker: format!("{session}{gender}"),
            gender: Some(decoded(&GENDERS, gender)?),
            // The scene, since several speakers play each script.
            statement: Some(dialogue.get(7..)?.to_owned()),
            ..Labels::default()
        };
        Some((path.clone(), labels))
    };
    Ok(files.iter().filter_map(labels).collect())
}

/// Recognises tables such as `Session1/dialog/EmoEvaluation/Ses01F_impro01.txt`.
fn is_evaluation(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    folder.is_some_and(|folder| folder == "EmoEvaluation")
        && stem(path).is_some_and(|stem| stem.starts_with("Ses"))
        && path.extension().is_some_and(|extension| extension == "txt")
}
