use std::path::Path;

use super::{Access, KnownCorpus, Labelling, Labels, stem};
use crate::ravdess::{Channel, Modality, Name};

pub(super) const SPEECH: KnownCorpus = KnownCorpus {
    name: "ravdess",
    title: "RAVDESS, speech",
    language: "English (North America)",
    recordings: 1440,
    speakers: 24,
    notes: "Two sentences, each said twice in two intensities. One recording exists under two names; five are stereo.",
    access: Access::Archive {
        url: "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1",
        size: Some(208_468_073),
        md5: Some("bc696df654c87fed845eb13823edef8a"),
    },
    labelling: Labelling::Name(|path| labels(path, Channel::Speech)),
    ..RAVDESS
};

pub(super) const SONG: KnownCorpus = KnownCorpus {
    name: "ravdess-song",
    title: "RAVDESS, song",
    language: "English (North America), sung",
    recordings: 1012,
    speakers: 23,
    notes: "The same two sentences, sung, without disgust and surprise. Actor 18 does not sing. One recording is stereo.",
    example: "03-02-05-01-01-02-11.wav",
    access: Access::Archive {
        url: "https://zenodo.org/records/1188976/files/Audio_Song_Actors_01-24.zip?download=1",
        size: Some(225_505_317),
        md5: Some("5411230427d67a21e18aa4d466e6d1b9"),
    },
    labelling: Labelling::Name(|path| labels(path, Channel::Song)),
    ..RAVDESS
};

const RAVDESS: KnownCorpus = KnownCorpus {
    name: "",
    title: "",
    language: "",
    recordings: 0,
    speakers: 0,
    notes: "",
    licence: "CC BY-NC-SA 4.0",
    citation: "S. R. Livingstone, F. A. Russo: The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS). \
               PLoS ONE 13(5), e0196391, 2018",
    address: "https://zenodo.org/records/1188976",
    access: Access::ByHand(""),
    example: "03-01-05-01-01-02-11.wav",
    labelling: Labelling::Name(|_| None),
};

fn labels(path: &Path, channel: Channel) -> Option<Labels> {
    let name: Name = stem(path)?.parse().ok()?;
    ((name.modality, name.channel) == (Modality::Audio, channel)).then(|| Labels {
        recording: name.to_string(),
        emotion: name.emotion.as_str(),
        speaker: name.speaker(),
        gender: Some(name.gender().as_str()),
        intensity: Some(name.intensity.as_str()),
        statement: Some(name.statement.to_string()),
        repetition: Some(name.repetition),
    })
}
