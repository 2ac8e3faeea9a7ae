//! The two sentences as sequences of sounds.
//!
//! Formant frequencies are typical of an adult male voice: vowels from G. E. Peterson and H. L. Barney, "Control
//! methods used in a study of the vowels", JASA 24(2), 1952; consonants from D. H. Klatt, "Software for a
//! cascade/parallel formant synthesizer", JASA 67(3), 1980, rounded.

use crate::ravdess::Statement;

/// One speech sound. Amplitudes are relative to a vowel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sound {
    /// Duration in seconds at the usual tempo.
    pub(super) seconds: f32,
    /// The first three formants in hertz.
    pub(super) formants: [f32; 3],
    /// Amplitude of the voice.
    pub(super) voice: f32,
    /// Amplitude of the noise produced in the mouth.
    pub(super) hiss: f32,
    /// Frequency in hertz at which that noise is strongest.
    pub(super) hiss_hertz: f32,
    /// Whether it is a stressed vowel, which carries a pitch accent.
    pub(super) stressed: bool,
}

const fn vowel(seconds: f32, formants: [f32; 3]) -> Sound {
    Sound {
        seconds,
        formants,
        voice: 1.0,
        hiss: 0.0,
        hiss_hertz: 2500.0,
        stressed: false,
    }
}

const fn consonant(
    seconds: f32,
    formants: [f32; 3],
    voice: f32,
    hiss: f32,
    hiss_hertz: f32,
) -> Sound {
    Sound {
        seconds,
        formants,
        voice,
        hiss,
        hiss_hertz,
        stressed: false,
    }
}

const fn stressed(sound: Sound) -> Sound {
    Sound {
        stressed: true,
        seconds: sound.seconds * 1.4,
        ..sound
    }
}

const I: Sound = vowel(0.075, [400.0, 1920.0, 2560.0]);
const AH: Sound = vowel(0.090, [730.0, 1090.0, 2440.0]);
const AW: Sound = vowel(0.110, [590.0, 880.0, 2540.0]);
const SCHWA: Sound = vowel(0.055, [500.0, 1400.0, 2400.0]);
const R: Sound = vowel(0.060, [330.0, 1060.0, 1500.0]);
const NG: Sound = consonant(0.070, [280.0, 1900.0, 2700.0], 0.45, 0.0, 2500.0);
const Z: Sound = consonant(0.070, [240.0, 1390.0, 2530.0], 0.35, 0.25, 5500.0);
const S: Sound = consonant(0.100, [320.0, 1390.0, 2530.0], 0.0, 0.45, 6000.0);
const TH: Sound = consonant(0.045, [270.0, 1290.0, 2540.0], 0.40, 0.06, 5000.0);
// A plosive is a closure followed by a burst.
const CLOSURE: Sound = consonant(0.055, [220.0, 1500.0, 2500.0], 0.0, 0.0, 2500.0);
const VOICED_CLOSURE: Sound = consonant(0.050, [220.0, 1300.0, 2400.0], 0.15, 0.0, 2500.0);
const K: Sound = consonant(0.045, [320.0, 1990.0, 2600.0], 0.0, 0.35, 1900.0);
const T: Sound = consonant(0.045, [320.0, 1700.0, 2600.0], 0.0, 0.40, 4500.0);
const G: Sound = consonant(0.018, [250.0, 1800.0, 2400.0], 0.30, 0.25, 1800.0);
const D: Sound = consonant(0.015, [250.0, 1600.0, 2600.0], 0.30, 0.25, 3800.0);
const B: Sound = consonant(0.012, [250.0, 1100.0, 2200.0], 0.30, 0.15, 900.0);

/// "… by the door".
const BY_THE_DOOR: [Sound; 10] = [
    VOICED_CLOSURE,
    B,
    AH,
    I,
    TH,
    SCHWA,
    VOICED_CLOSURE,
    D,
    stressed(AW),
    R,
];

/// Returns the sounds of a sentence in order.
pub(super) fn sounds(statement: Statement) -> Vec<Sound> {
    let beginning: &[Sound] = match statement {
        Statement::Kids => &[
            K,
            stressed(I),
            VOICED_CLOSURE,
            D,
            Z,
            AH,
            R,
            CLOSURE,
            T,
            stressed(AW),
            CLOSURE,
            K,
            I,
            NG,
        ],
        Statement::Dogs => &[
            D,
            stressed(AW),
            VOICED_CLOSURE,
            G,
            Z,
            AH,
            R,
            S,
            stressed(I),
            CLOSURE,
            T,
            I,
            NG,
        ],
    };
    [beginning, &BY_THE_DOOR].concat()
}
