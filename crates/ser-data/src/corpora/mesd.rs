use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "mesd",
    title: "MESD",
    language: "Spanish (Mexico)",
    recordings: 862,
    speakers: 3,
    notes: "Single words. Each word of corpus B is said in one emotion only, so that the words reveal the emotion too. The names tell \
            women, men and children apart, but not the three women, two men and six children: each group is one speaker here.",
    licence: "CC BY 4.0",
    citation: "M. M. Duville, L. M. Alonso-Valerdi, D. I. Ibarra-Zarate: Mexican Emotional Speech Database (MESD). Mendeley Data, 2022, \
               doi:10.17632/cy34mh68j9.5",
    address: "https://data.mendeley.com/datasets/cy34mh68j9/5",
    access: Access::ByHand("its archive has no permanent address apart from its page"),
    example: "Anger_C_A_abajo.wav",
    labelling: Labelling::Name(labels),
};

const EMOTIONS: [(&str, &str); 6] = [
    ("Anger", "angry"),
    ("Disgust", "disgust"),
    ("Fear", "fearful"),
    ("Happiness", "happy"),
    ("Neutral", "neutral"),
    ("Sadness", "sad"),
];
const VOICES: [(&str, &str, Option<&str>); 3] = [
    ("C", "children", None),
    ("F", "women", Some(FEMALE)),
    ("M", "men", Some(MALE)),
];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    let mut fields = stem.splitn(4, '_');
    let (emotion, voice) = (fields.next()?, fields.next()?);
    let (corpus, word) = (fields.next()?, fields.next()?);
    let (_, speaker, gender) = VOICES
        .iter()
        .find(|(code, ..)| code.eq_ignore_ascii_case(voice))?;
    matches!(corpus, "A" | "B" | "a" | "b").then_some(())?;
    Some(Labels {
        recording: stem.to_owned(),
        emotion: decoded(&EMOTIONS, emotion)?,
        speaker: (*speaker).to_owned(),
        gender: *gender,
        statement: Some(word.to_owned()),
        ..Labels::default()
    })
}
