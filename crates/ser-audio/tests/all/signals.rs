//! Signals that the tests decode, measure and cut.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use ser_audio::Waveform;
use ser_audio::{AudioStream, Result, Segment, VoiceActivity};

/// Every fixture that is decoded, with its sampling rate.
pub const FIXTURES: [(&str, u32); 23] = [
    ("aac.aac", 16_000),
    ("aac.m4a", 16_000),
    ("adpcm-ima.wav", 8_000),
    ("adpcm-ms.wav", 8_000),
    ("alac.m4a", 8_000),
    ("alaw.wav", 8_000),
    ("flac.mkv", 8_000),
    ("flac.ogg", 8_000),
    ("fragments.mp4", 16_000),
    ("mono.mp3", 16_000),
    ("mulaw.wav", 8_000),
    ("native.flac", 8_000),
    ("opus.mp4", 48_000),
    ("opus.ogg", 48_000),
    ("opus.webm", 48_000),
    ("opus-surround.mkv", 48_000),
    ("pcm.aiff", 8_000),
    ("pcm.caf", 8_000),
    ("pcm.mov", 8_000),
    ("stereo.m4a", 44_100),
    ("stereo.mp3", 44_100),
    ("vorbis.ogg", 16_000),
    ("vorbis.webm", 16_000),
];

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

pub fn bytes_of(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// Returns the signal of the fixtures at `seconds`.
pub fn chirp(seconds: f64) -> f64 {
    let (chirp, tone) = (
        200.0 * seconds + 1400.0 * seconds * seconds,
        440.0 * seconds,
    );
    0.4 * (TAU * chirp).sin() + 0.2 * (TAU * tone).sin()
}

/// Returns all samples of `bytes`, read through a pipe.
pub fn piped(bytes: Vec<u8>) -> Result<Vec<f32>> {
    let reader = std::io::Cursor::new(bytes);
    drain(AudioStream::from_reader(
        Box::new(reader),
        Path::new("pipe"),
    )?)
}

pub fn drain(mut stream: AudioStream) -> Result<Vec<f32>> {
    let mut samples = Vec::new();
    while stream.next_block(&mut samples)? {}
    Ok(samples)
}

/// Returns a WAV file of one channel; `data` is its samples as they are stored.
pub fn wav(tag: u16, bits: u16, rate: u32, data: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0");
    file.extend(tag.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(bits / 8)).to_le_bytes());
    file.extend((bits / 8).to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

/// Pseudo-random numbers from −1 to 1, the same on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        // Knuth's MMIX, whose upper bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub fn number(&mut self) -> f64 {
        self.bits() as f64 / (1u64 << 30) as f64 - 1.0
    }
}

/// Returns faint noise at −70 dBFS, and in each `(start, end)`, in seconds, a sound like speech at about
/// −20 dBFS: four syllables per second, each a buzz of 120 Hz with a hiss after it.
pub fn speech(rate: u32, seconds: f64, spoken: &[(f64, f64)]) -> Waveform {
    let mut random = Random::new(1);
    let samples = (0..(seconds * f64::from(rate)) as u64).map(|n| {
        let t = n as f64 / f64::from(rate);
        let noise = random.number();
        let Some(&(start, _)) = spoken
            .iter()
            .find(|(start, end)| (*start..*end).contains(&t))
        else {
            return (5e-4 * noise) as f32;
        };
        let syllable = (4.0 * (t - start)).fract();
        let voice: f64 = (1..=25)
            .map(f64::from)
            .map(|k| (TAU * 120.0 * k * t).sin() / k)
            .sum();
        let buzz = (syllable / 0.7 * TAU / 2.0).sin().max(0.0) * 0.2 * voice;
        let hiss = if syllable > 0.7 { 0.03 * noise } else { 0.0 };
        (buzz + hiss + 5e-4 * noise) as f32
    });
    Waveform::new(samples.collect(), rate)
}

/// Returns the segments of a waveform that is pushed at once.
pub fn segments(waveform: &Waveform) -> Vec<Segment> {
    let mut voice = VoiceActivity::new(waveform.sample_rate);
    voice.push(&waveform.samples);
    voice.finish();
    voice.drain().collect()
}

/// Returns the start and the end of each segment in seconds.
pub fn times(segments: &[Segment]) -> Vec<(f64, f64)> {
    segments
        .iter()
        .map(|segment| (segment.start_seconds(), segment.end_seconds()))
        .collect()
}

pub fn louder(waveform: &Waveform, factor: f32) -> Waveform {
    let samples = waveform.samples.iter().map(|x| factor * x).collect();
    Waveform::new(samples, waveform.sample_rate)
}
