use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, fields, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "nemo",
    title: "nEMO",
    language: "Polish",
    recordings: 4481,
    speakers: 9,
    notes: "90 sentences, nearly all of which are said by all speakers in all emotions.",
    licence: "CC BY-NC-SA 4.0",
    citation: "I. Christop: nEMO: Dataset of Emotional Speech in Polish. LREC-COLING 2024",
    address: "https://github.com/amu-cai/nEMO",
    access: Access::Archive {
        url: "https://github.com/amu-cai/nEMO/archive/refs/heads/main.zip",
        size: None,
        md5: None,
    },
    example: "EB0_anger_1.wav",
    labelling: Labelling::Name(labels),
};

const EMOTIONS: [(&str, &str); 6] = [
    ("anger", "angry"),
    ("fear", "fearful"),
    ("happiness", "happy"),
    ("neutral", "neutral"),
    ("sadness", "sad"),
    ("surprised", "surprised"),
];
const SPEAKERS: [(&str, &str); 9] = [
    ("EB0", FEMALE),
    ("IC0", FEMALE),
    ("KD0", FEMALE),
    ("KS0", MALE),
    ("MK0", FEMALE),
    ("MP0", MALE),
    ("SM0", MALE),
    ("TP0", MALE),
    ("WR0", MALE),
];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    let [speaker, emotion, sentence] = fields(stem, '_')?;
    let number: u8 = sentence.parse().ok()?;
    (1..=90).contains(&number).then_some(())?;
    Some(Labels {
        recording: stem.to_owned(),
        emotion: decoded(&EMOTIONS, emotion)?,
        speaker: speaker.to_owned(),
        gender: Some(decoded(&SPEAKERS, speaker)?),
        statement: Some(sentence.to_owned()),
        ..Labels::default()
    })
}
