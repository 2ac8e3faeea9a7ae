use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, decoded, fields, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "tess",
    title: "TESS",
    language: "English (Canada)",
    recordings: 2800,
    speakers: 2,
    notes: "\"Say the word …\" with 200 words, each in all emotions. Some copies hold everything twice. `OA_bite_neutral` belongs to \
            the speaker OAF.",
    licence: "CC BY-NC-ND 4.0, or CC BY-NC 4.0: sources differ",
    citation: "M. K. Pichora-Fuller, K. Dupuis: Toronto emotional speech set (TESS). Borealis, 2020, doi:10.5683/SP2/E8H2MF",
    address: "https://doi.org/10.5683/SP2/E8H2MF",
    access: Access::Archive {
        url: "https://bj.bcebos.com/paddleaudio/datasets/TESS_Toronto_emotional_speech_set.zip",
        size: None,
        md5: Some("1465311b24d1de704c4c63e4ccc470c7"),
    },
    example: "OAF_back_angry.wav",
    labelling: Labelling::Name(labels),
};

/// `ps` stands for pleasant surprise.
const EMOTIONS: [(&str, &str); 7] = [
    ("angry", "angry"),
    ("disgust", "disgust"),
    ("fear", "fearful"),
    ("happy", "happy"),
    ("neutral", "neutral"),
    ("ps", "surprised"),
    ("sad", "sad"),
];
/// OAF is the older speaker, YAF the younger one.
const SPEAKERS: [(&str, &str); 3] = [("OAF", "OAF"), ("OA", "OAF"), ("YAF", "YAF")];

fn labels(path: &Path) -> Option<Labels> {
    let [speaker, word, emotion] = fields(stem(path)?, '_')?;
    let speaker = decoded(&SPEAKERS, speaker)?;
    let emotion = decoded(&EMOTIONS, emotion)?;
    Some(Labels {
        recording: format!("{speaker}_{word}_{emotion}"),
        emotion,
        speaker: speaker.to_owned(),
        gender: Some(FEMALE),
        statement: Some(word.to_owned()),
        ..Labels::default()
    })
}
