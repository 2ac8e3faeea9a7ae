use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, fields, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "emovo",
    title: "EMOVO",
    language: "Italian",
    recordings: 588,
    speakers: 6,
    notes: "Fourteen sentences, five of them nonsense, each in all emotions.",
    licence: "non-commercial use, with acknowledgment",
    citation: "G. Costantini, I. Iaderola, A. Paoloni, M. Todisco: EMOVO Corpus: an Italian Emotional Speech Database. LREC, \
               3501-3504, 2014",
    address: "http://voice.fub.it/activities/corpora/emovo",
    access: Access::ByHand("its archive is on Google Drive, which needs a browser"),
    example: "dis-f1-b1.wav",
    labelling: Labelling::Name(labels),
};

/// Disgusto, gioia, neutro, paura, rabbia, sorpresa, tristezza.
const EMOTIONS: [(&str, &str); 7] = [
    ("dis", "disgust"),
    ("gio", "happy"),
    ("neu", "neutral"),
    ("pau", "fearful"),
    ("rab", "angry"),
    ("sor", "surprised"),
    ("tri", "sad"),
];
const SPEAKERS: [(&str, &str); 6] = [
    ("f1", FEMALE),
    ("f2", FEMALE),
    ("f3", FEMALE),
    ("m1", MALE),
    ("m2", MALE),
    ("m3", MALE),
];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    let [emotion, speaker, sentence] = fields(stem, '-')?;
    Some(Labels {
        recording: stem.to_owned(),
        emotion: decoded(&EMOTIONS, emotion)?,
        speaker: speaker.to_owned(),
        gender: Some(decoded(&SPEAKERS, speaker)?),
        statement: Some(sentence.to_owned()),
        ..Labels::default()
    })
}
