//! A clip in Opus, as messengers send it, is answered as the clip is.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::Path;
use std::sync::Arc;

use opus_rs::{Application, OpusEncoder};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_audio::{AudioStream, Waveform, read, recordings};
use ser_predict::Predictor;

/// Samples of a packet, 20 ms.
const FRAME: usize = 960;
/// Samples by which the encoder is late.
const PRE_SKIP: usize = 312;

/// A page of Ogg that holds one packet.
fn page(flags: u8, granule: u64, number: u32, packet: &[u8]) -> Vec<u8> {
    let mut page = b"OggS\0".to_vec();
    page.push(flags);
    page.extend(granule.to_le_bytes());
    page.extend([1, 0, 0, 0]);
    page.extend(number.to_le_bytes());
    page.extend([0; 4]);
    page.push(packet.len() as u8 / 255 + 1);
    page.resize(27 + packet.len() / 255, 255);
    page.push((packet.len() % 255) as u8);
    page.extend(packet);
    let sum = page.iter().fold(0u32, |sum, &byte| {
        (0..8).fold(sum ^ (u32::from(byte) << 24), |sum, _| {
            (sum << 1) ^ if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 }
        })
    });
    page[22..26].copy_from_slice(&sum.to_le_bytes());
    page
}

/// A clip of 48 kHz in Ogg Opus.
fn opus(clip: &Waveform, bits_per_second: i32) -> Vec<u8> {
    assert_eq!(clip.sample_rate, 48_000);
    let mut encoder = OpusEncoder::new(48_000, 1, Application::Voip).unwrap();
    encoder.bitrate_bps = bits_per_second;
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend((PRE_SKIP as u16).to_le_bytes());
    head.extend([0; 7]);
    let mut file = page(2, 0, 0, &head);
    file.extend(page(0, 0, 1, b"OpusTags\0\0\0\0\0\0\0\0"));

    let mut samples = clip.samples.clone();
    samples.resize((samples.len() + PRE_SKIP).next_multiple_of(FRAME), 0.0);
    let frames = samples.len() / FRAME;
    let mut packet = [0; 1276];
    for (n, frame) in (1..).zip(samples.chunks(FRAME)) {
        let len = encoder.encode(frame, FRAME, &mut packet).unwrap();
        let heard = (n * FRAME).min(clip.samples.len() + PRE_SKIP) as u64;
        let flags = if n == frames { 4 } else { 0 };
        file.extend(page(flags, heard, n as u32 + 1, &packet[..len]));
    }
    file
}

#[test]
fn most_clips_keep_their_emotion() {
    let Some(corpus) = ser_fixtures::ravdess() else {
        return;
    };
    let predictor = Predictor::built_in().unwrap();
    let paths: Vec<_> = recordings(&corpus)
        .step_by(24)
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(paths.len(), 60);
    for bits_per_second in [16_000, 24_000] {
        let kept = paths.par_iter().filter(|path| {
            let clip = read(path).unwrap();
            let bytes = opus(&clip, bits_per_second);
            let stream = || AudioStream::from_bytes(Arc::from(bytes.as_slice()), Path::new("opus"));
            let decoded = stream().unwrap().read_to_end().unwrap();
            assert_eq!(decoded.samples.len(), clip.samples.len());
            let plain = predictor.answer_file(path, None).unwrap().emotion();
            predictor
                .answer_stream(stream().unwrap(), None)
                .unwrap()
                .emotion()
                == plain
        });
        let kept = kept.count();
        eprintln!("{bits_per_second} bit/s: {kept} of 60");
        assert!(kept >= 57, "{bits_per_second} bit/s: {kept} of 60");
    }
}
