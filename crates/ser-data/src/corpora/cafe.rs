use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, fields, number, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "cafe",
    title: "CaFE",
    language: "French (Canada)",
    recordings: 936,
    speakers: 12,
    notes: "Six sentences, each in two intensities, neutral in one. The archives unpack with broken accents in the names of folders.",
    licence: "CC BY-NC-SA 4.0",
    citation: "P. Gournay, O. Lahaie, R. Lefebvre: A Canadian French Emotional Speech Dataset. ACM Multimedia Systems Conference, \
               399-402, 2018",
    address: "https://zenodo.org/records/1478765",
    access: Access::Archive {
        url: "https://zenodo.org/records/1478765/files/CaFE_48k.zip?download=1",
        size: None,
        md5: None,
    },
    example: "01-C-1-1.wav",
    labelling: Labelling::Name(labels),
};

/// Colère, dégoût, joie, neutre, peur, surprise, tristesse.
const EMOTIONS: [(&str, &str); 7] = [
    ("C", "angry"),
    ("D", "disgust"),
    ("J", "happy"),
    ("N", "neutral"),
    ("P", "fearful"),
    ("S", "surprised"),
    ("T", "sad"),
];
const INTENSITIES: [(&str, &str); 2] = [("1", "low"), ("2", "high")];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    let [actor, emotion, intensity, sentence] = fields(stem, '-')?;
    let gender = if number(actor, 2, 1..=12)? % 2 == 1 {
        MALE
    } else {
        FEMALE
    };
    number(sentence, 1, 1..=6)?;
    Some(Labels {
        recording: stem.to_owned(),
        emotion: decoded(&EMOTIONS, emotion)?,
        speaker: actor.to_owned(),
        gender: Some(gender),
        intensity: Some(decoded(&INTENSITIES, intensity)?),
        statement: Some(sentence.to_owned()),
        repetition: None,
    })
}
