use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, is_number, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "shemo",
    title: "ShEMO",
    language: "Persian",
    recordings: 3000,
    speakers: 87,
    notes: "From radio plays; no sentence occurs twice. 163 file names are known to give another emotion than the transcripts.",
    licence: "academic purposes",
    citation: "O. Mohamad Nezami, P. Jamshid Lou, M. Karami: ShEMO: a large-scale validated database for Persian speech emotion \
               detection. Language Resources and Evaluation 53(1), 1-16, 2019",
    address: "https://github.com/pariajm/sharif-emotional-speech-dataset",
    access: Access::ByHand("its archives are on Dropbox, which needs a browser"),
    example: "F21N05.wav",
    labelling: Labelling::Name(labels),
};

const EMOTIONS: [(&str, &str); 6] = [
    ("A", "angry"),
    ("F", "fearful"),
    ("H", "happy"),
    ("N", "neutral"),
    ("S", "sad"),
    ("W", "surprised"),
];
const GENDERS: [(&str, &str); 2] = [("F", FEMALE), ("M", MALE)];

fn labels(path: &Path) -> Option<Labels> {
    let stem = stem(path)?;
    let (speaker, utterance) = (stem.get(..3)?, stem.get(4..)?);
    (is_number(speaker.get(1..)?) && is_number(utterance) && utterance.len() < 4).then_some(())?;
    Some(Labels {
        recording: stem.to_owned(),
        emotion: decoded(&EMOTIONS, stem.get(3..4)?)?,
        // Women and men are numbered separately.
        speaker: speaker.to_owned(),
        gender: Some(decoded(&GENDERS, speaker.get(..1)?)?),
        ..Labels::default()
    })
}
