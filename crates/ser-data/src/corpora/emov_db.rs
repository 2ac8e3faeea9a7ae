use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, number, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "emov-db",
    title: "EmoV-DB",
    language: "English (North America)",
    recordings: 6887,
    speakers: 4,
    notes: "Sentences from CMU Arctic, with laughter and yawns in between. Only the name of a folder tells the speaker. `josh` has \
            neither anger nor disgust.",
    licence: "research and other non-commercial purposes",
    citation: "A. Adigwe, N. Tits, K. El Haddad, S. Ostadabbas, T. Dutoit: The Emotional Voices Database: Towards Controlling the \
               Emotion Dimension in Voice Generation Systems. arXiv:1806.09514, 2018",
    address: "https://openslr.org/115",
    access: Access::ByHand("it comes in eighteen archives, none of them in zip"),
    example: "jenie_Amused/amused_1-28_0022.wav",
    labelling: Labelling::Name(labels),
};

const EMOTIONS: [(&str, &str); 8] = [
    ("amused", "amused"),
    ("anger", "angry"),
    ("angry", "angry"),
    ("disgust", "disgust"),
    ("disgusted", "disgust"),
    ("neutral", "neutral"),
    ("sleepiness", "sleepy"),
    ("sleepy", "sleepy"),
];
const SPEAKERS: [(&str, &str); 4] = [
    ("bea", FEMALE),
    ("jenie", FEMALE),
    ("josh", MALE),
    ("sam", MALE),
];

fn labels(path: &Path) -> Option<Labels> {
    // The middle of the name is a range of sentences, which may contain any characters.
    let (emotion, rest) = stem(path)?.split_once('_')?;
    let (_, sentence) = rest.rsplit_once('_')?;
    number(sentence, 4, 1..=9999)?;
    let emotion = decoded(&EMOTIONS, emotion)?;
    // `jenie/Amused/…` or `jenie_Amused/…`.
    let folders = path.ancestors().skip(1).take(2);
    let folders = folders.filter_map(|folder| folder.file_name()?.to_str());
    let (speaker, gender) = folders
        .flat_map(|folder| folder.split('_'))
        .find_map(|word| {
            SPEAKERS
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(word))
        })?;
    Some(Labels {
        recording: format!("{speaker}/{emotion}/{sentence}"),
        emotion,
        speaker: (*speaker).to_owned(),
        gender: Some(gender),
        statement: Some(sentence.to_owned()),
        ..Labels::default()
    })
}
