use std::path::Path;

use super::{Access, KnownCorpus, Labelling, Labels, MALE, decoded, number, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "savee",
    title: "SAVEE",
    language: "English (Britain)",
    recordings: 480,
    speakers: 4,
    notes: "Fifteen sentences per emotion, thirty for neutral; three of them are common to all emotions.",
    licence: "research, after a registration",
    citation: "S. Haq, P. J. B. Jackson: Multimodal Emotion Recognition. Machine Audition: Principles, Algorithms and Systems, 398-423, \
               IGI Global, 2010",
    address: "http://kahlan.eps.surrey.ac.uk/savee",
    access: Access::ByHand("it requires a registration"),
    example: "DC/a01.wav",
    labelling: Labelling::Name(labels),
};

const EMOTIONS: [(&str, &str); 7] = [
    ("a", "angry"),
    ("d", "disgust"),
    ("f", "fearful"),
    ("h", "happy"),
    ("n", "neutral"),
    ("sa", "sad"),
    ("su", "surprised"),
];
const SPEAKERS: [&str; 4] = ["DC", "JE", "JK", "KL"];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    // `DC/a01.wav`; copies have `DC_a01.wav` and `DCa01.wav`.
    let in_name = SPEAKERS.into_iter().find_map(|speaker| {
        let (start, utterance) = stem.split_at_checked(speaker.len())?;
        start.eq_ignore_ascii_case(speaker).then_some(())?;
        Some((speaker, utterance.strip_prefix('_').unwrap_or(utterance)))
    });
    let in_folder = || {
        let folder = path.parent()?.file_name()?.to_str()?;
        let speaker = SPEAKERS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(folder))?;
        Some((speaker, stem))
    };
    let (speaker, utterance) = in_name.or_else(in_folder)?;
    let emotion = utterance.trim_end_matches(|letter: char| letter.is_ascii_digit());
    number(&utterance[emotion.len()..], 2, 1..=30)?;
    Some(Labels {
        recording: format!("{speaker}_{utterance}"),
        emotion: decoded(&EMOTIONS, emotion)?,
        speaker: speaker.to_owned(),
        gender: Some(MALE),
        // The sentences are numbered within each emotion.
        statement: Some(utterance.to_owned()),
        ..Labels::default()
    })
}
