//! The source-filter voice: glottal pulses and breath pass through a cascade of formant resonators; the noise of
//! consonants is added.
//!
//! Sources: the pulse of D. H. Klatt and L. C. Klatt, "Analysis, synthesis, and perception of voice quality variations
//! among female and male talkers", JASA 87(2), 1990; the resonators of D. H. Klatt, JASA 67(3), 1980.

use super::SynthConfig;
use super::delivery::{Delivery, Speaker, stream_of};
use super::sentence::{self, Sound};
use crate::random::Random;
use crate::ravdess::Name;

/// How often per second the control values change.
const BLOCKS_PER_SECOND: u32 = 250;

/// Bandwidths of the formants in hertz.
const BANDWIDTHS: [f32; 5] = [70.0, 100.0, 160.0, 220.0, 300.0];

/// The fourth and fifth formant in hertz, which hardly depend on the sound.
const UPPER_FORMANTS: [f32; 2] = [3500.0, 4500.0];

/// Returns the samples of one clip: silence, the sentence, silence, with the background noise of a room.
pub(super) fn speak(name: &Name, config: &SynthConfig) -> Vec<i16> {
    let speaker = Speaker::new(name, config.seed);
    // A stream far from the one that the delivery was drawn from.
    let mut random = Random::new(config.seed, stream_of(name) + (1 << 40));
    let rate = config.sample_rate as f32;
    let silence = |seconds: f64| vec![0.0; (seconds * f64::from(config.sample_rate)) as usize];

    let mut samples = silence(random.uniform(0.6, 1.2));
    let tracks = tracks(name, &speaker, &mut random);
    samples.extend(normalised(
        &voiced(&tracks, &speaker, rate, &mut random),
        &speaker,
    ));
    samples.extend(silence(random.uniform(0.6, 1.1)));

    // A room hums more than it hisses.
    let amplitude = decibels(speaker.room);
    let mut hum = 0.0;
    samples
        .iter()
        .map(|&sample| {
            let hiss = random.noise();
            hum += 0.1 * (hiss - hum);
            quantised(sample + amplitude * (0.5 * hiss + 4.0 * hum))
        })
        .collect()
}

fn decibels(level: f64) -> f32 {
    10f64.powf(level / 20.0) as f32
}

fn quantised(sample: f32) -> i16 {
    (sample * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// Scales speech to the loudness of its delivery (its RMS), but keeps the peak below 0.98.
fn normalised(speech: &[f32], speaker: &Speaker) -> Vec<f32> {
    let power =
        speech.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / speech.len().max(1) as f64;
    let peak = speech.iter().fold(0.0f32, |peak, &x| peak.max(x.abs()));
    let wanted = decibels(speaker.level + speaker.delivery.level)
        / (power.sqrt() as f32).max(f32::MIN_POSITIVE);
    let gain = wanted.min(0.98 / peak.max(f32::MIN_POSITIVE));
    speech.iter().map(|&x| gain * x).collect()
}

/// The control values of one block.
#[derive(Debug, Clone, Copy)]
struct Block {
    pitch_hertz: f32,
    formants: [f32; 3],
    voice: f32,
    hiss: f32,
    hiss_hertz: f32,
}

/// Places the sounds in time and smooths the transitions between them.
fn tracks(name: &Name, speaker: &Speaker, random: &mut Random) -> Vec<Block> {
    let sounds = sentence::sounds(name.statement);
    let tempo = speaker.delivery.tempo.exp() as f32;
    let lengths: Vec<usize> = sounds
        .iter()
        .enumerate()
        .map(|(place, sound)| {
            // The last word of a sentence is lengthened.
            let last_word = if place + 4 >= sounds.len() { 1.35 } else { 1.0 };
            let seconds =
                1.25 * sound.seconds * last_word * (0.08 * random.normal()).exp() as f32 / tempo;
            ((seconds * BLOCKS_PER_SECOND as f32) as usize).max(2)
        })
        .collect();
    let pitch = pitch_track(&sounds, &lengths, speaker, random);
    let scale = (speaker.formants * speaker.delivery.formants.exp()) as f32;

    let mut blocks = Vec::with_capacity(pitch.len());
    let mut now = Block {
        pitch_hertz: 0.0,
        voice: 0.0,
        hiss: 0.0,
        hiss_hertz: 2500.0,
        formants: [0.0; 3],
    };
    now.formants = sounds
        .first()
        .map_or([500.0, 1500.0, 2500.0], |sound| sound.formants)
        .map(|f| f * scale);
    let mut pitch = pitch.into_iter();
    for (sound, &length) in sounds.iter().zip(&lengths) {
        for _ in 0..length {
            now.pitch_hertz = pitch.next().unwrap_or(now.pitch_hertz);
            for (formant, target) in now.formants.iter_mut().zip(sound.formants) {
                *formant += 0.25 * (target * scale - *formant);
            }
            now.voice += 0.4 * (sound.voice - now.voice);
            now.hiss += 0.5 * (sound.hiss - now.hiss);
            now.hiss_hertz += 0.5 * (sound.hiss_hertz - now.hiss_hertz);
            blocks.push(now);
        }
    }
    blocks
}

/// Returns the pitch of each block in hertz: a slow fall, an accent on each stressed vowel, the rise or fall at the
/// end, and a small variation that becomes a tremor in rough voices.
fn pitch_track(
    sounds: &[Sound],
    lengths: &[usize],
    speaker: &Speaker,
    random: &mut Random,
) -> Vec<f32> {
    let Delivery {
        pitch,
        range,
        rise,
        jitter,
        ..
    } = speaker.delivery;
    let (range, total) = (range.exp(), lengths.iter().sum::<usize>());
    let (wander, tremor) = (random.uniform(0.0, 6.0), random.uniform(0.0, 6.0));
    let tremor_depth = 0.12 * jitter.exp();
    let mut semitones: Vec<f64> = (0..total)
        .map(|block| {
            let seconds = block as f64 / f64::from(BLOCKS_PER_SECOND);
            let progress = block as f64 / total as f64;
            let end = ((progress - 0.75) / 0.25).max(0.0);
            pitch
                + range * (1.0 - 2.5 * progress + 0.4 * (5.0 * seconds + wander).sin())
                + (rise - 1.0) * end * end
                + tremor_depth * (38.0 * seconds + tremor).sin()
        })
        .collect();
    let mut start = 0;
    for (sound, &length) in sounds.iter().zip(lengths) {
        if sound.stressed {
            let height = range * (2.5 + 0.5 * random.normal());
            // The accent is twice as long as its vowel.
            let (from, width) = (start as f64 - 0.5 * length as f64, 2.0 * length as f64);
            for (block, value) in semitones.iter_mut().enumerate() {
                let place = (block as f64 - from) / width;
                if (0.0..1.0).contains(&place) {
                    *value += height * 0.5 * (1.0 - (std::f64::consts::TAU * place).cos());
                }
            }
        }
        start += length;
    }
    semitones
        .iter()
        .map(|st| (speaker.pitch_hertz * (st / 12.0).exp2()).clamp(50.0, 700.0) as f32)
        .collect()
}

/// A resonator with unity gain at 0 Hz.
#[derive(Debug, Clone, Copy, Default)]
struct Resonator {
    a: f32,
    b: f32,
    c: f32,
    last: f32,
    before: f32,
}

impl Resonator {
    fn tune(&mut self, hertz: f32, bandwidth: f32, rate: f32) {
        let radius = (-std::f32::consts::PI * bandwidth / rate).exp();
        self.c = -radius * radius;
        self.b = 2.0 * radius * (std::f32::consts::TAU * hertz / rate).cos();
        self.a = 1.0 - self.b - self.c;
    }

    fn pass(&mut self, input: f32) -> f32 {
        let output = self.a * input + self.b * self.last + self.c * self.before;
        self.before = self.last;
        self.last = output;
        output
    }
}

/// Returns the speech itself, at an arbitrary loudness.
fn voiced(tracks: &[Block], speaker: &Speaker, rate: f32, random: &mut Random) -> Vec<f32> {
    const OPEN: f32 = 0.6;
    let Delivery {
        tilt,
        jitter,
        breath,
        ..
    } = speaker.delivery;
    let block_len = rate as usize / BLOCKS_PER_SECOND as usize;
    let (jitter, breath) = (0.008 * jitter.exp() as f32, 0.05 * breath.exp() as f32);
    let scale = (speaker.formants * speaker.delivery.formants.exp()) as f32;
    // A soft voice closes its glottis smoothly, so its source is low-passed at a lower frequency.
    let corner_hertz = (1100.0 * tilt.exp2() as f32).min(0.45 * rate);
    let smoothing = 1.0 - (-std::f32::consts::TAU * corner_hertz / rate).exp();

    let mut tract = [Resonator::default(); BANDWIDTHS.len()];
    for ((resonator, hertz), bandwidth) in tract[3..]
        .iter_mut()
        .zip(UPPER_FORMANTS)
        .zip(&BANDWIDTHS[3..])
    {
        resonator.tune(hertz * scale, *bandwidth, rate);
    }
    let mut mouth = Resonator::default();
    let mut samples = Vec::with_capacity(tracks.len() * block_len);
    let (mut phase, mut stretch, mut strength, mut source) = (0.0f32, 1.0f32, 1.0f32, 0.0f32);
    let (mut voice, mut hiss) = (0.0f32, 0.0f32);
    for block in tracks {
        for ((resonator, hertz), bandwidth) in tract.iter_mut().zip(block.formants).zip(BANDWIDTHS)
        {
            resonator.tune(hertz, bandwidth, rate);
        }
        mouth.tune(block.hiss_hertz, 0.3 * block.hiss_hertz, rate);
        let step = block.pitch_hertz / rate;
        for _ in 0..block_len {
            // Amplitudes change gradually within a block, since steps would click.
            voice += (block.voice - voice) * (4.0 / block_len as f32);
            hiss += (block.hiss - hiss) * (4.0 / block_len as f32);
            phase += step * stretch;
            if phase >= 1.0 {
                phase -= 1.0;
                stretch = 1.0 + jitter * random.normal() as f32;
                strength = 1.0 + 3.0 * jitter * random.normal() as f32;
            }
            let open = phase / OPEN;
            let pulse = if open < 1.0 {
                strength * (2.0 * open - 3.0 * open * open)
            } else {
                0.0
            };
            source += smoothing * (pulse - source);
            let noise = random.noise();
            let gate = if open < 1.0 { 1.0 } else { 0.3 };
            let excitation = voice * (source + breath * gate * noise);
            let vowel = tract
                .iter_mut()
                .fold(excitation, |signal, resonator| resonator.pass(signal));
            samples.push(vowel + 0.5 * mouth.pass(hiss * noise));
        }
    }
    samples
}
