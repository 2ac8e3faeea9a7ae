//! The parameters of a clip: who speaks, and how.

use crate::random::Random;
use crate::ravdess::{Emotion, Gender, Intensity, Name};

/// The difference between a delivery and the speaker's neutral one. The same type holds the mean effect of an emotion
/// and the standard deviations of its takes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delivery {
    /// Pitch level in semitones.
    pub(super) pitch: f64,
    /// Pitch range, as the natural logarithm of a factor.
    pub(super) range: f64,
    /// Rise of the pitch at the end, in semitones.
    pub(super) rise: f64,
    /// Loudness in dB.
    pub(super) level: f64,
    /// Tempo, as the natural logarithm of a factor.
    pub(super) tempo: f64,
    /// Brightness: the number of octaves by which the spectrum of the source extends further up.
    pub(super) tilt: f64,
    /// Irregularity of the periods, as the natural logarithm of a factor.
    pub(super) jitter: f64,
    /// Breathiness, as the natural logarithm of a factor.
    pub(super) breath: f64,
    /// Formants, as the natural logarithm of a factor: spread lips raise them, rounded lips lower them.
    pub(super) formants: f64,
}

impl Delivery {
    /// Combines two deliveries field by field.
    fn zip(self, other: Self, mut combine: impl FnMut(f64, f64) -> f64) -> Self {
        Self {
            pitch: combine(self.pitch, other.pitch),
            range: combine(self.range, other.range),
            rise: combine(self.rise, other.rise),
            level: combine(self.level, other.level),
            tempo: combine(self.tempo, other.tempo),
            tilt: combine(self.tilt, other.tilt),
            jitter: combine(self.jitter, other.jitter),
            breath: combine(self.breath, other.breath),
            formants: combine(self.formants, other.formants),
        }
    }

    /// Returns `self` plus `strength` times `other`.
    fn plus(self, strength: f64, other: Self) -> Self {
        self.zip(other, |a, b| a + strength * b)
    }

    /// Draws normal random numbers with these standard deviations.
    fn draw(self, random: &mut Random) -> Self {
        self.zip(Self::default(), |deviation, _| deviation * random.normal())
    }
}

/// Returns the effect of each emotion at normal intensity, in the direction on which reviews of vocal expression agree
/// (P. N. Juslin and P. Laukka, Psychological Bulletin 129(5), 2003). The sizes are chosen so that emotions overlap.
fn typical(emotion: Emotion) -> Delivery {
    let [
        pitch,
        range,
        rise,
        level,
        tempo,
        tilt,
        jitter,
        breath,
        formants,
    ] = match emotion {
        Emotion::Neutral => [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        Emotion::Calm => [-0.8, -0.2, -0.3, -4.0, -0.09, -0.35, -0.2, 0.5, 0.0],
        Emotion::Happy => [3.0, 0.5, 0.6, 4.0, 0.06, 0.35, 0.1, -0.2, 0.05],
        Emotion::Sad => [0.3, -0.4, -1.0, -4.5, -0.16, -0.6, 0.4, 0.9, -0.02],
        Emotion::Angry => [2.8, 0.3, -1.0, 8.5, 0.05, 0.9, 0.5, -0.4, 0.01],
        Emotion::Fearful => [4.2, -0.1, 0.4, 4.0, 0.13, 0.1, 0.9, 0.5, 0.01],
        Emotion::Disgust => [-0.6, 0.15, -1.4, 1.0, -0.18, 0.15, 0.7, 0.0, -0.05],
        Emotion::Surprised => [4.5, 0.6, 3.0, 3.0, -0.02, 0.2, 0.0, 0.2, 0.02],
    };
    Delivery {
        pitch,
        range,
        rise,
        level,
        tempo,
        tilt,
        jitter,
        breath,
        formants,
    }
}

/// Standard deviations between actors who act the same emotion. Those between takes of one actor are [`TAKES`] times as
/// large.
const BETWEEN_ACTORS: Delivery = Delivery {
    pitch: 0.9,
    range: 0.15,
    rise: 0.6,
    level: 2.0,
    tempo: 0.045,
    tilt: 0.18,
    jitter: 0.22,
    breath: 0.25,
    formants: 0.012,
};
const TAKES: f64 = 0.7;

/// At strong intensity, the distance from neutral is this many times that at normal intensity.
const STRONG: f64 = 1.5;

/// The properties of a voice in one clip that do not depend on the words.
#[derive(Debug, Clone)]
pub(super) struct Speaker {
    /// Usual pitch in hertz.
    pub(super) pitch_hertz: f64,
    /// Formants relative to an average man; a shorter vocal tract has a value above 1.
    pub(super) formants: f64,
    /// Loudness in dB relative to full scale.
    pub(super) level: f64,
    /// Background noise of the room in dB relative to full scale.
    pub(super) room: f64,
    /// How this clip is spoken, including the speaker's own habits.
    pub(super) delivery: Delivery,
}

impl Speaker {
    pub(super) fn new(name: &Name, seed: u64) -> Self {
        let actor = u64::from(name.actor);
        let mut random = Random::new(seed, actor);
        let (pitch_hertz, formants) = match name.gender() {
            Gender::Male => (118.0, 1.0),
            Gender::Female => (205.0, 1.15),
        };
        let pitch_hertz = pitch_hertz * (0.11 * random.normal()).exp();
        let formants = formants * (0.035 * random.normal()).exp();
        let level = -36.0 + 2.5 * random.normal();
        let room = -72.0 + 2.0 * random.normal();
        let expressivity = (0.18 * random.normal()).exp();
        // Some voices are always brighter, rougher or faster than others.
        let habits = Delivery {
            pitch: 0.0,
            level: 0.0,
            formants: 0.0,
            ..BETWEEN_ACTORS
        }
        .draw(&mut random);

        let emotion = u64::from(name.emotion.code());
        let own_way = BETWEEN_ACTORS.draw(&mut Random::new(seed, 100 * actor + emotion));
        let take = BETWEEN_ACTORS.draw(&mut Random::new(seed, stream_of(name)));
        let strength = expressivity
            * if name.intensity == Intensity::Strong {
                STRONG
            } else {
                1.0
            };
        let delivery = habits
            .plus(strength, typical(name.emotion))
            .plus(1.0, own_way)
            .plus(TAKES, take);
        Self {
            pitch_hertz,
            formants,
            level,
            room,
            delivery,
        }
    }
}

/// Returns a different number for each clip, larger than the streams used for actors and their emotions.
pub(super) fn stream_of(name: &Name) -> u64 {
    [
        name.actor,
        name.emotion.code(),
        name.intensity.code(),
        name.statement.code(),
        name.repetition,
    ]
    .into_iter()
    .fold(1, |stream, field| 100 * stream + u64::from(field))
}
