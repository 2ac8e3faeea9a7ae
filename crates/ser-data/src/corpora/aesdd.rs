use std::path::Path;

use super::{Access, KnownCorpus, Labelling, Labels, decoded, number, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "aesdd",
    title: "AESDD",
    language: "Greek",
    recordings: 604,
    speakers: 6,
    notes: "Nineteen sentences and an improvised one, some of them twice; no neutral speech. `s05 (3)` cannot be read. The corpus does \
            not say which actors are women.",
    licence: "sources differ: see its page",
    citation: "N. Vryzas, R. Kotsakis, A. Liatsou, C. A. Dimoulas, G. Kalliris: Speech emotion recognition for performance interaction. \
               Journal of the Audio Engineering Society 66(6), 457-467, 2018",
    address: "http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition",
    access: Access::ByHand("its archive is on Mega, which needs a browser"),
    example: "anger/a03 (3).wav",
    labelling: Labelling::Name(labels),
};

const EMOTIONS: [(&str, &str); 5] = [
    ("a", "angry"),
    ("d", "disgust"),
    ("f", "fearful"),
    ("h", "happy"),
    ("s", "sad"),
];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    let (utterance, rest) = stem.split_once('(')?;
    let (speaker, take) = rest.split_once(')')?;
    // Some names have a leading zero: `(01)`.
    let speaker: u8 = speaker.parse().ok()?;
    let repetition = match take {
        "" => 1,
        "b" | "B" => 2,
        _ => return None,
    };
    let utterance = utterance.trim_end();
    let sentence = utterance.get(1..)?;
    number(sentence, 2, 1..=20)?;
    Some(Labels {
        recording: format!("{utterance} ({speaker}){take}"),
        emotion: decoded(&EMOTIONS, &utterance[..1])?,
        speaker: speaker.to_string(),
        statement: Some(sentence.to_owned()),
        repetition: Some(repetition),
        ..Labels::default()
    })
}
