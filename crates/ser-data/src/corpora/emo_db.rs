use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "emo-db",
    title: "Emo-DB",
    language: "German",
    recordings: 535,
    speakers: 10,
    notes: "Ten sentences. Of 816 recordings, those whose emotion listeners recognised; version 2 has all.",
    licence: "CC0 1.0; version 2: CC BY 4.0",
    citation: "F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier, B. Weiss: A Database of German Emotional Speech. Interspeech, \
               1517-1520, 2005",
    address: "http://emodb.bilderbar.info",
    access: Access::Archive {
        url: "http://emodb.bilderbar.info/download/download.zip",
        size: None,
        md5: None,
    },
    example: "03a01Fa.wav",
    labelling: Labelling::Name(labels),
};

/// Wut, Langeweile, Ekel, Angst, Freude, Trauer.
const EMOTIONS: [(&str, &str); 7] = [
    ("W", "angry"),
    ("L", "bored"),
    ("E", "disgust"),
    ("A", "fearful"),
    ("F", "happy"),
    ("T", "sad"),
    ("N", "neutral"),
];
const SPEAKERS: [(&str, &str); 10] = [
    ("03", MALE),
    ("08", FEMALE),
    ("09", FEMALE),
    ("10", MALE),
    ("11", MALE),
    ("12", MALE),
    ("13", FEMALE),
    ("14", FEMALE),
    ("15", MALE),
    ("16", FEMALE),
];
const SENTENCES: [&str; 10] = [
    "a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10",
];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    let (speaker, sentence, emotion) = (stem.get(..2)?, stem.get(2..5)?, stem.get(5..6)?);
    let version = stem.get(6..)?;
    let &[version] = version.as_bytes() else {
        return None;
    };
    version.is_ascii_alphabetic().then_some(())?;
    // Version 2 contains laryngograms of the same names.
    let is_sound = !path.iter().any(|folder| folder == "laryngo");
    is_sound.then_some(())?;
    let sentence = SENTENCES
        .into_iter()
        .find(|code| code.eq_ignore_ascii_case(sentence))?;
    Some(Labels {
        recording: stem.to_owned(),
        emotion: decoded(&EMOTIONS, emotion)?,
        speaker: speaker.to_owned(),
        gender: Some(decoded(&SPEAKERS, speaker)?),
        intensity: None,
        statement: Some(sentence.to_owned()),
        repetition: Some(version.to_ascii_lowercase() - b'a' + 1),
    })
}
