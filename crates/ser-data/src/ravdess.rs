//! RAVDESS file names: `MM-CC-EE-II-SS-RR-AA`.
//!
//! Source: S. R. Livingstone and F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech and Song",
//! PLoS ONE 13(5), 2018, e0196391.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// The eight emotions, in the order of their codes `01` to `08`.
pub const EMOTIONS: [&str; 8] = [
    "neutral",
    "calm",
    "happy",
    "sad",
    "angry",
    "fearful",
    "disgust",
    "surprised",
];

/// Number of actors in the whole corpus.
pub const ACTORS: u8 = 24;

/// Speech clips of one actor: 7 emotions × 2 intensities × 2 statements × 2 repetitions, and neutral in one intensity.
pub const CLIPS_PER_ACTOR: usize = 60;

/// Declares a field of the file name whose codes `01`, `02`, … stand for the given words.
macro_rules! field {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// All values, in the order of their codes.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// Returns the word for the value, in lower case.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// Returns the code in the file name, from 1.
            pub fn code(self) -> u8 {
                self as u8 + 1
            }

            /// Returns the value with this code.
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

field! {
    /// What was recorded: only [`Modality::Audio`] files contain nothing but sound.
    Modality {
        /// Video with sound.
        AudioVideo = "audio-video",
        /// Video without sound.
        Video = "video",
        /// Sound alone.
        Audio = "audio",
    }
}

field! {
    /// Whether the statement is spoken or sung.
    Channel {
        /// Spoken.
        Speech = "speech",
        /// Sung.
        Song = "song",
    }
}

field! {
    /// The acted emotion. The words are those of [`EMOTIONS`].
    Emotion {
        /// Neutral: recorded in normal intensity only.
        Neutral = "neutral",
        /// Calm.
        Calm = "calm",
        /// Happy.
        Happy = "happy",
        /// Sad.
        Sad = "sad",
        /// Angry.
        Angry = "angry",
        /// Fearful.
        Fearful = "fearful",
        /// Disgust.
        Disgust = "disgust",
        /// Surprised.
        Surprised = "surprised",
    }
}

field! {
    /// How strongly the emotion is acted.
    Intensity {
        /// Normal.
        Normal = "normal",
        /// Strong; never together with [`Emotion::Neutral`].
        Strong = "strong",
    }
}

field! {
    /// The spoken sentence.
    Statement {
        /// "Kids are talking by the door".
        Kids = "kids",
        /// "Dogs are sitting by the door".
        Dogs = "dogs",
    }
}

field! {
    /// The sex of an actor.
    Gender {
        /// Odd actor numbers.
        Male = "male",
        /// Even actor numbers.
        Female = "female",
    }
}

/// A parsed RAVDESS file stem.
///
/// `Display` writes the stem that `FromStr` reads.
///
/// ```
/// use ser_data::ravdess::{Emotion, Name};
///
/// let name: Name = "03-01-05-02-01-02-11".parse()?;
/// assert_eq!(name.emotion, Emotion::Angry);
/// assert_eq!(name.gender().as_str(), "male");
/// assert_eq!(name.speaker(), "11");
/// assert_eq!(name.to_string(), "03-01-05-02-01-02-11");
/// # Ok::<(), ser_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// `MM`: the modality.
    pub modality: Modality,
    /// `CC`: the channel.
    pub channel: Channel,
    /// `EE`: the emotion.
    pub emotion: Emotion,
    /// `II`: the intensity.
    pub intensity: Intensity,
    /// `SS`: the statement.
    pub statement: Statement,
    /// `RR`: the repetition, 1 or 2.
    pub repetition: u8,
    /// `AA`: the actor, 1 to [`ACTORS`].
    pub actor: u8,
}

impl Name {
    /// Returns the actor's gender: actors with odd numbers are men, those with even numbers women.
    pub fn gender(&self) -> Gender {
        if self.actor % 2 == 1 {
            Gender::Male
        } else {
            Gender::Female
        }
    }

    /// Returns the speaker id, `"01"` to `"24"`.
    pub fn speaker(&self) -> String {
        format!("{:02}", self.actor)
    }

    /// Returns the names of the 60 speech clips of one actor, sorted by emotion, intensity, statement and repetition.
    pub fn speech_of(actor: u8) -> Vec<Name> {
        let mut names = Vec::with_capacity(CLIPS_PER_ACTOR);
        for &emotion in Emotion::ALL {
            for &intensity in Intensity::ALL {
                if emotion == Emotion::Neutral && intensity == Intensity::Strong {
                    continue;
                }
                for &statement in Statement::ALL {
                    for repetition in 1..=2 {
                        names.push(Name {
                            modality: Modality::Audio,
                            channel: Channel::Speech,
                            emotion,
                            intensity,
                            statement,
                            repetition,
                            actor,
                        });
                    }
                }
            }
        }
        names
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:02}-{:02}-{:02}-{:02}-{:02}-{:02}-{:02}",
            self.modality.code(),
            self.channel.code(),
            self.emotion.code(),
            self.intensity.code(),
            self.statement.code(),
            self.repetition,
            self.actor,
        )
    }
}

impl FromStr for Name {
    type Err = Error;

    /// Parses a file stem.
    ///
    /// # Errors
    /// [`Error::Name`], which names the field that is wrong.
    fn from_str(stem: &str) -> Result<Self> {
        let wrong = |expected: &str, actual: &str| Error::Name {
            name: stem.to_owned(),
            expected: expected.to_owned(),
            actual: actual.to_owned(),
        };
        let fields: Vec<&str> = stem.split('-').collect();
        let [
            modality,
            channel,
            emotion,
            intensity,
            statement,
            repetition,
            actor,
        ] = fields[..]
        else {
            return Err(wrong("seven fields of two digits", stem));
        };
        let code = |field: &str, expected: &str| match field.as_bytes() {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Ok((tens - b'0') * 10 + (ones - b'0')),
            _ => Err(wrong(expected, field)),
        };
        macro_rules! coded {
            ($kind:ident, $field:expr, $expected:literal) => {
                $kind::from_code(code($field, $expected)?)
                    .ok_or_else(|| wrong($expected, $field))?
            };
        }
        let ranged = |field: &str, range: std::ops::RangeInclusive<u8>, expected: &str| {
            let value = code(field, expected)?;
            if range.contains(&value) {
                Ok(value)
            } else {
                Err(wrong(expected, field))
            }
        };
        let name = Name {
            modality: coded!(Modality, modality, "modality 01 to 03"),
            channel: coded!(Channel, channel, "channel 01 or 02"),
            emotion: coded!(Emotion, emotion, "emotion 01 to 08"),
            intensity: coded!(Intensity, intensity, "intensity 01 or 02"),
            statement: coded!(Statement, statement, "statement 01 or 02"),
            repetition: ranged(repetition, 1..=2, "repetition 01 or 02")?,
            actor: ranged(actor, 1..=ACTORS, "actor 01 to 24")?,
        };
        if name.emotion == Emotion::Neutral && name.intensity == Intensity::Strong {
            return Err(wrong("intensity 01 with emotion neutral", intensity));
        }
        Ok(name)
    }
}
