use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, fields, number, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "esd",
    title: "ESD",
    language: "Mandarin (speakers 0001 to 0010), English",
    recordings: 35_000,
    speakers: 20,
    notes: "350 sentences per language, said by all ten speakers in all emotions. In the column `statement` they begin with `zh` and \
            `en`.",
    licence: "research only; a signed licence is asked for",
    citation: "K. Zhou, B. Sisman, R. Liu, H. Li: Seen and unseen emotional style transfer for voice conversion with a new emotional \
               speech dataset. ICASSP, 920-924, 2021",
    address: "https://hltsingapore.github.io/ESD",
    access: Access::ByHand("it requires a signed licence"),
    example: "0011/Angry/0011_000351.wav",
    labelling: Labelling::Name(labels),
};

/// In the order of their numbers, 350 each.
const EMOTIONS: [&str; 5] = ["neutral", "angry", "happy", "sad", "surprised"];
const SENTENCES: u16 = 350;
const WOMEN: [u16; 10] = [1, 2, 3, 7, 9, 15, 16, 17, 18, 19];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    let [speaker, index] = fields(stem, '_')?;
    let id = number(speaker, 4, 1..=20)?;
    let index = number(index, 6, 1..=1750)? - 1;
    let gender = if WOMEN.contains(&id) { FEMALE } else { MALE };
    let language = if id <= 10 { "zh" } else { "en" };
    Some(Labels {
        recording: stem.to_owned(),
        emotion: EMOTIONS[usize::from(index / SENTENCES)],
        speaker: speaker.to_owned(),
        gender: Some(gender),
        statement: Some(format!("{language}{:03}", index % SENTENCES + 1)),
        ..Labels::default()
    })
}
