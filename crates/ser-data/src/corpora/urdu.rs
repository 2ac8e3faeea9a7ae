use std::path::Path;

use super::{
    Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, fields, is_number, stem,
};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "urdu",
    title: "URDU",
    language: "Urdu",
    recordings: 400,
    speakers: 29,
    notes: "Spontaneous speech from talk shows. Few speakers have more than one emotion, so that the voices reveal the emotion too. \
            The page of the corpus mentions 38 speakers; the names have 29.",
    licence: "research",
    citation: "S. Latif, A. Qayyum, M. Usman, J. Qadir: Cross Lingual Speech Emotion Recognition: Urdu vs. Western Languages. Frontiers \
               of Information Technology, 2018",
    address: "https://github.com/siddiquelatif/URDU-Dataset",
    access: Access::Archive {
        url: "https://github.com/siddiquelatif/URDU-Dataset/archive/refs/heads/master.zip",
        size: None,
        md5: None,
    },
    example: "SM1_F10_A010.wav",
    labelling: Labelling::Name(labels),
};

const EMOTIONS: [(&str, &str); 4] = [
    ("A", "angry"),
    ("H", "happy"),
    ("N", "neutral"),
    ("S", "sad"),
];
const GENDERS: [(&str, &str); 2] = [("SF", FEMALE), ("SM", MALE)];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    let [speaker, utterance, emotion] = fields(stem, '_')?;
    let numbers = [
        speaker.get(2..)?,
        utterance.strip_prefix(['F', 'f'])?,
        emotion.get(1..)?,
    ];
    numbers.into_iter().all(is_number).then_some(())?;
    Some(Labels {
        recording: stem.to_owned(),
        emotion: decoded(&EMOTIONS, &emotion[..1])?,
        speaker: speaker.to_owned(),
        gender: Some(decoded(&GENDERS, &speaker[..2])?),
        ..Labels::default()
    })
}
