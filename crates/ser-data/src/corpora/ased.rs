use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, fields, number, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "ased",
    title: "ASED",
    language: "Amharic",
    recordings: 2474,
    speakers: 65,
    notes: "Seven sentences per emotion, five of which occur in no other emotion, so that the words reveal the emotion too. Of 4550 \
            recordings, those on which the judges agreed.",
    licence: "none is stated",
    citation: "E. A. Retta, E. Almekhlafi, R. Sutcliffe, M. Mhamed, H. Ali, J. Feng: A New Amharic Speech Emotion Dataset and \
               Classification Benchmark. ACM Transactions on Asian and Low-Resource Language Information Processing 22(1), 2023",
    address: "https://github.com/Ethio2021/ASED_V1",
    access: Access::ByHand("no licence is stated"),
    example: "a5-03-01-02-50.wav",
    labelling: Labelling::Name(labels),
};

/// Each code contains the number of its folder.
const EMOTIONS: [(&str, &str); 5] = [
    ("n1", "neutral"),
    ("f2", "fearful"),
    ("h3", "happy"),
    ("s4", "sad"),
    ("a5", "angry"),
];
const GENDERS: [(&str, &str); 2] = [("01", FEMALE), ("02", MALE)];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    let [emotion, sentence, repetition, gender, speaker] = fields(stem, '-')?;
    number(sentence, 2, 1..=7)?;
    number(speaker, 2, 1..=65)?;
    Some(Labels {
        // One file has a capital letter.
        recording: stem.to_ascii_lowercase(),
        emotion: decoded(&EMOTIONS, emotion)?,
        speaker: speaker.to_owned(),
        gender: Some(decoded(&GENDERS, gender)?),
        intensity: None,
        // Each emotion has its own sentences.
        statement: Some(format!("{}{sentence}", emotion[..1].to_ascii_lowercase())),
        repetition: Some(number(repetition, 2, 1..=2)?),
    })
}
