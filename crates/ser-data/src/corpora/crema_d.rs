use std::path::Path;

use super::{Access, FEMALE, KnownCorpus, Labelling, Labels, MALE, decoded, fields, number, stem};

pub(super) const CORPUS: KnownCorpus = KnownCorpus {
    name: "crema-d",
    title: "CREMA-D",
    language: "English (North America)",
    recordings: 7442,
    speakers: 91,
    notes: "Twelve sentences, said by all speakers, one of them in three intensities. `1076_MTI_SAD_XX` has no sound; \
            `1064_IEO_DIS_MD` is a minute with all emotions. A copy made without Git LFS holds text files in place of the recordings.",
    licence: "Open Database License 1.0",
    citation: "H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova, R. Verma: CREMA-D: Crowd-sourced Emotional Multimodal \
               Actors Dataset. IEEE Transactions on Affective Computing 5(4), 377-390, 2014",
    address: "https://github.com/CheyneyComputerScience/CREMA-D",
    access: Access::Archive {
        url: "https://gitlab.com/cs-cooper-lab/crema-d-mirror/-/archive/main/crema-d-mirror-main.zip?path=AudioWAV",
        size: None,
        md5: None,
    },
    example: "1001_DFA_ANG_XX.wav",
    labelling: Labelling::Name(labels),
};

const EMOTIONS: [(&str, &str); 6] = [
    ("ANG", "angry"),
    ("DIS", "disgust"),
    ("FEA", "fearful"),
    ("HAP", "happy"),
    ("NEU", "neutral"),
    ("SAD", "sad"),
];
/// `X` occurs in one file of copies made before October 2022.
const INTENSITIES: [(&str, Option<&str>); 5] = [
    ("LO", Some("low")),
    ("MD", Some("medium")),
    ("HI", Some("high")),
    ("XX", None),
    ("X", None),
];
const SENTENCES: [&str; 12] = [
    "IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI",
];
/// From `VideoDemographics.csv` of the corpus; the other actors are men.
const WOMEN: [u16; 43] = [
    1002, 1003, 1004, 1006, 1007, 1008, 1009, 1010, 1012, 1013, 1018, 1020, 1021, 1024, 1025, 1028,
    1029, 1030, 1037, 1043, 1046, 1047, 1049, 1052, 1053, 1054, 1055, 1056, 1058, 1060, 1061, 1063,
    1072, 1073, 1074, 1075, 1076, 1078, 1079, 1082, 1084, 1089, 1091,
];

fn labels(path: &Path) -> Option<Labels> {
    let [actor, sentence, emotion, intensity] = fields(stem(path)?, '_')?;
    let number = number(actor, 4, 1001..=1091)?;
    let (_, level) = INTENSITIES
        .iter()
        .find(|(code, _)| code.eq_ignore_ascii_case(intensity))?;
    let gender = if WOMEN.contains(&number) {
        FEMALE
    } else {
        MALE
    };
    let sentence = SENTENCES
        .into_iter()
        .find(|code| code.eq_ignore_ascii_case(sentence))?;
    Some(Labels {
        recording: format!(
            "{actor}_{sentence}_{emotion}_{}",
            level.map_or("XX", |_| intensity)
        ),
        emotion: decoded(&EMOTIONS, emotion)?,
        speaker: actor.to_owned(),
        gender: Some(gender),
        intensity: *level,
        statement: Some(sentence.to_owned()),
        repetition: None,
    })
}
