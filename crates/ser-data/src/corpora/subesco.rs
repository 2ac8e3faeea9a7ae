use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, fields, number, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "subesco",
    title: "SUBESCO",
    language: "Bangla",
    recordings: 7000,
    speakers: 20,
    notes: "Ten sentences, five takes of each. The name of `F_02_MONIKA_S_2_SURPRISE_3].wav` has that bracket in the corpus.",
    licence: "CC BY 4.0",
    citation: "S. Sultana, M. S. Rahman, M. R. Selim, M. Z. Iqbal: SUST Bangla Emotional Speech Corpus (SUBESCO): An audio-only \
               emotional speech corpus for Bangla. PLoS ONE 16(4), e0250173, 2021",
    address: "https://zenodo.org/records/4526477",
    access: Access::Archive {
        url: "https://zenodo.org/records/4526477/files/SUBESCO.zip?download=1",
        size: Some(1_664_512_929),
        md5: Some("13d702cf944bf54d70d66bffc036ed7a"),
    },
    example: "F_01_OISHI_S_10_ANGRY_1.wav",
    labelling: Labelling::Name(labels),
};

const EMOTIONS: [(&str, &str); 7] = [
    ("ANGRY", "angry"),
    ("DISGUST", "disgust"),
    ("FEAR", "fearful"),
    ("HAPPY", "happy"),
    ("NEUTRAL", "neutral"),
    ("SAD", "sad"),
    ("SURPRISE", "surprised"),
];
const GENDERS: [(&str, &str); 2] = [("F", FEMALE), ("M", MALE)];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?.trim_end_matches(']');
    let [gender, speaker, _, "S" | "s", sentence, emotion, repetition] = fields(stem, '_')? else {
        return None;
    };
    number(speaker, 2, 1..=10)?;
    let _: u8 = sentence.parse().ok()?;
    Some(Labels {
        recording: stem.to_owned(),
        emotion: decoded(&EMOTIONS, emotion)?,
        // Women and men are numbered separately.
        speaker: format!("{gender}{speaker}"),
        gender: Some(decoded(&GENDERS, gender)?),
        intensity: None,
        statement: Some(sentence.to_owned()),
        repetition: Some(number(repetition, 1, 1..=5)?),
    })
}
