//! Tests the mixing of several channels into one.

use ser_audio::{AudioStream, Channels, Error, Mixer, read};

use crate::signals::{Random, drain, fixture, speech, wav};

/// Returns WAV of two channels of floats with 32 or 64 bits.
fn file(bits: u16, left: &[f32], right: &[f32]) -> Vec<u8> {
    let samples = left.iter().zip(right).flat_map(|(&l, &r)| [l, r]);
    let data: Vec<u8> = match bits {
        32 => samples.flat_map(f32::to_le_bytes).collect(),
        _ => samples.flat_map(|x| f64::from(x).to_le_bytes()).collect(),
    };
    let frame = 2 * bits / 8;
    let mut file = wav(3, bits, 8000, &data);
    file[22..24].copy_from_slice(&2u16.to_le_bytes());
    file[28..32].copy_from_slice(&(8000 * u32::from(frame)).to_le_bytes());
    file[32..34].copy_from_slice(&frame.to_le_bytes());
    file
}

fn open(file: Vec<u8>) -> AudioStream {
    AudioStream::from_bytes(file.into(), "clip.wav".as_ref()).unwrap()
}

fn stereo(left: &[f32], right: &[f32]) -> AudioStream {
    open(file(32, left, right))
}

fn mixed(left: &[f32], right: &[f32], channels: Channels) -> Vec<f32> {
    drain(stereo(left, right).with(channels).unwrap()).unwrap()
}

/// Returns three seconds, with speech in the middle.
fn voice() -> Vec<f32> {
    speech(8000, 3.0, &[(0.5, 2.5)]).samples
}

fn times(samples: &[f32], factor: f32) -> Vec<f32> {
    samples.iter().map(|x| factor * x).collect()
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{found}, {expected}");
    }
}

#[test]
fn ordinary_stereo_is_its_mean_to_the_last_bit() {
    let mut random = Random::new(7);
    let left = voice();
    let right: Vec<f32> = left
        .iter()
        .map(|x| 0.7 * x + 0.01 * random.number() as f32)
        .collect();
    let mean = mixed(&left, &right, Channels::Mean);
    assert_eq!(mixed(&left, &right, Channels::Compared), mean);
    for name in ["stereo.mp3", "stereo.m4a", "mono.mp3"] {
        let stream = AudioStream::open(&fixture(name)).unwrap();
        let compared = drain(stream.with(Channels::Compared).unwrap()).unwrap();
        assert_eq!(compared, read(fixture(name)).unwrap().samples, "{name}");
    }
}

#[test]
fn channels_of_opposite_sign_do_not_cancel() {
    let left = voice();
    for factor in [-1.0, -0.9, -0.3] {
        let mean = mixed(&left, &times(&left, factor), Channels::Mean);
        close(&mean, &times(&left, (1.0 + factor) / 2.0));
        let compared = mixed(&left, &times(&left, factor), Channels::Compared);
        close(&compared, &times(&left, (1.0 - factor) / 2.0));
    }
}

#[test]
fn offsets_of_opposite_sign_do_not_make_channels_opposite() {
    let quiet = times(&voice(), 0.1);
    let shifted = |by: f32| quiet.iter().map(|x| x + by).collect::<Vec<_>>();
    close(
        &mixed(&shifted(0.01), &shifted(-0.01), Channels::Compared),
        &quiet,
    );
    // Nor are two voices with the same offset one.
    let (one, other) = (
        speech(8000, 3.0, &[(0.2, 1.2)]),
        speech(8000, 3.0, &[(1.6, 2.8)]),
    );
    let mut mixer = Mixer::new(Channels::Compared, 2);
    let pairs = one.samples.iter().zip(&other.samples);
    let pairs: Vec<f32> = pairs
        .flat_map(|(l, r)| [0.1 * l + 0.01, 0.1 * r + 0.01])
        .collect();
    mixer.push(&pairs, 2, &mut Vec::new());
    mixer.finish(&mut Vec::new());
    assert!(mixer.are_apart());
}

#[test]
fn a_channel_that_is_not_heard_does_not_halve_the_level() {
    let (voice, dead) = (voice(), vec![0.0; 24_000]);
    let faint = times(&voice, 0.009);
    close(&mixed(&voice, &dead, Channels::Compared), &voice);
    close(&mixed(&dead, &voice, Channels::Compared), &voice);
    close(&mixed(&voice, &faint, Channels::Compared), &voice);
    assert_eq!(mixed(&dead, &dead, Channels::Compared), dead);
    close(&mixed(&voice, &dead, Channels::Mean), &times(&voice, 0.5));
}

#[test]
fn one_channel_is_that_channel_and_others_are_named() {
    let (left, right) = (voice(), times(&voice(), 0.5));
    assert_eq!(mixed(&left, &right, Channels::Only(1)), left);
    assert_eq!(mixed(&left, &right, Channels::Only(2)), right);
    for number in [0, 3] {
        match stereo(&left, &right).with(Channels::Only(number)) {
            Err(error @ Error::Channel { count: 2, .. }) => assert_eq!(
                error.to_string(),
                format!("clip.wav: expected a channel from 1 to 2, found {number}")
            ),
            _ => panic!("expected an error"),
        }
    }
    let stream = AudioStream::open(&fixture("stereo.mp3")).unwrap();
    assert_eq!(stream.channels(), 2);
}

#[test]
fn a_channel_without_numbers_is_silent_and_the_other_is_heard() {
    let (voice, none) = (voice(), vec![f32::NAN; 24_000]);
    for bits in [32, 64] {
        let file = file(bits, &none, &voice);
        let mixed = |channels| drain(open(file.clone()).with(channels).unwrap()).unwrap();
        assert_eq!(mixed(Channels::Only(2)), voice, "{bits} bits");
        close(&mixed(Channels::Compared), &voice);
        close(&mixed(Channels::Mean), &times(&voice, 0.5));
    }
}

#[test]
fn a_pipe_and_a_file_are_compared_alike_and_again() {
    let left = speech(8000, 6.0, &[(0.5, 5.5)]).samples;
    // The sign of the right channel changes at its third window, and soon most of it is opposite.
    let (begin, rest) = left.split_at(8192);
    let file = file(32, &left, &[begin, &times(rest, -1.0)].concat());
    let mut from_memory = open(file.clone()).with(Channels::Compared).unwrap();
    let mut once = Vec::new();
    while from_memory.next_block(&mut once).unwrap() {}
    close(&once[..8192], begin);
    close(&once[40_960..], &left[40_960..]);
    assert_eq!(once[8192..12_288], [0.0; 4096]);
    from_memory.rewind().unwrap();
    assert_eq!(drain(from_memory).unwrap(), once);
    let reader = Box::new(std::io::Cursor::new(file));
    let piped = AudioStream::from_reader(reader, "-".as_ref()).unwrap();
    assert_eq!(
        drain(piped.with(Channels::Compared).unwrap()).unwrap(),
        once
    );
}

#[test]
fn channels_of_a_call_are_noticed() {
    let apart = |left: &[f32], right: &[f32]| {
        let mut stream = stereo(left, right).with(Channels::Compared).unwrap();
        let mut samples = Vec::new();
        while stream.next_block(&mut samples).unwrap() {}
        stream.are_channels_apart()
    };
    let one = speech(8000, 6.0, &[(0.5, 2.5)]).samples;
    let other = speech(8000, 6.0, &[(3.0, 5.5)]).samples;
    assert!(apart(&one, &other));
    assert!(!apart(&one, &one));
    assert!(!apart(&one, &times(&one, -1.0)));
    assert!(!apart(&one, &vec![0.0; one.len()]));
}
