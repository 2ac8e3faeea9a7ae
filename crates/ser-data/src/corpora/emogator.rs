use std::path::Path;

use super::{Access, KnownCorpus, Labelling, Labels, fields, number, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "emogator",
    title: "EmoGator",
    language: "none: vocal bursts without words",
    recordings: 32_130,
    speakers: 357,
    notes: "Three bursts for each of thirty emotions, recorded by the contributors themselves. The sexes of the contributors are not \
            given.",
    licence: "Apache 2.0",
    citation: "F. W. Buhl: EmoGator: A New Open Source Vocal Burst Dataset with Baseline Machine Learning Classification \
               Methodologies. arXiv:2301.00508, 2023",
    address: "https://github.com/fredbuhl/EmoGator",
    access: Access::Archive {
        url: "https://github.com/fredbuhl/EmoGator/archive/HEAD.zip",
        size: None,
        md5: None,
    },
    example: "000001-03-1.mp3",
    labelling: Labelling::Name(labels),
};

/// In the order of their numbers.
const EMOTIONS: [&str; 30] = [
    "adoration",
    "amusement",
    "angry",
    "awe",
    "confusion",
    "contempt",
    "contentment",
    "desire",
    "disappointment",
    "disgust",
    "distress",
    "ecstasy",
    "elation",
    "embarrassment",
    "fearful",
    "guilt",
    "interest",
    "neutral",
    "pain",
    "pride",
    "realization",
    "relief",
    "romantic love",
    "sad",
    "serenity",
    "shame",
    "surprised negatively",
    "surprised positively",
    "sympathy",
    "triumph",
];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    let [speaker, emotion, repetition] = fields(stem, '-')?;
    number(speaker, 6, 1..=357)?;
    let emotion: usize = number(emotion, 2, 1..=EMOTIONS.len())?;
    Some(Labels {
        recording: stem.to_owned(),
        emotion: EMOTIONS[emotion - 1],
        speaker: speaker.to_owned(),
        repetition: Some(number(repetition, 1, 1..=3)?),
        ..Labels::default()
    })
}
