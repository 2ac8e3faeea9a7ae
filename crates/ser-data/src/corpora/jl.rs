use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, fields, number, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "jl",
    title: "JL Corpus",
    language: "English (New Zealand)",
    recordings: 2400,
    speakers: 4,
    notes: "Ten emotions, five of them typical of talking with robots. Thirty sentences, each said twice.",
    licence: "CC0 1.0",
    citation: "J. James, L. Tian, C. I. Watson: An Open Source Emotional Speech Corpus for Human Robot Interaction Applications. \
               Interspeech, 2768-2772, 2018",
    address: "https://www.kaggle.com/datasets/tli725/jl-corpus",
    access: Access::ByHand("Kaggle requires a login"),
    example: "female1_angry_10a_1.wav",
    labelling: Labelling::Name(labels),
};

const EMOTIONS: [(&str, &str); 10] = [
    ("angry", "angry"),
    ("anxious", "anxious"),
    ("apologetic", "apologetic"),
    ("assertive", "assertive"),
    ("concerned", "concerned"),
    ("encouraging", "encouraging"),
    ("excited", "excited"),
    ("happy", "happy"),
    ("neutral", "neutral"),
    ("sad", "sad"),
];
const SPEAKERS: [(&str, &str); 4] = [
    ("female1", FEMALE),
    ("female2", FEMALE),
    ("male1", MALE),
    ("male2", MALE),
];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    let [speaker, emotion, sentence, repetition] = fields(stem, '_')?;
    let digits = sentence.strip_suffix(['a', 'b', 'A', 'B'])?;
    number(digits, digits.len(), 1..=15)?;
    Some(Labels {
        recording: stem.to_owned(),
        emotion: decoded(&EMOTIONS, emotion)?,
        speaker: speaker.to_owned(),
        gender: Some(decoded(&SPEAKERS, speaker)?),
        intensity: None,
        statement: Some(sentence.to_owned()),
        repetition: Some(number(repetition, 1, 1..=2)?),
    })
}
