//! Opus: what its header says is done to the samples.

use ser_audio::{Error, read};

use crate::signals::{bytes_of, fixture, piped};

/// `opus.webm` with other bytes in its header of Opus, from `at` on.
fn with(name: &str, at: usize, bytes: &[u8]) -> ser_audio::Result<Vec<f32>> {
    let mut file = bytes_of(name);
    let head = file.windows(8).position(|w| w == b"OpusHead").unwrap();
    file[head + at..head + at + bytes.len()].copy_from_slice(bytes);
    piped(file)
}

fn whole(name: &str) -> Vec<f32> {
    read(fixture(name)).unwrap().samples
}

#[test]
fn what_the_encoder_put_around_the_sound_is_left_out() {
    // Ogg says where the sound ends; without a word the last packet is kept whole.
    assert_eq!(whole("opus.ogg").len(), 48_000);
    assert_eq!(whole("opus.webm").len(), 51 * 960 - 312);
    assert_eq!(whole("opus.mp4").len(), 51 * 960 - 312);
    let more = with("opus.webm", 10, &1312u16.to_le_bytes()).unwrap();
    assert_eq!(more, whole("opus.webm")[1000..]);
    // More than a packet.
    let more = with("opus.webm", 10, &3312u16.to_le_bytes()).unwrap();
    assert_eq!(more, whole("opus.webm")[3000..]);
}

#[test]
fn the_output_gain_is_applied() {
    let whole = whole("opus.webm");
    for decibels in [-20i16, 6] {
        let louder = with("opus.webm", 16, &(256 * decibels).to_le_bytes()).unwrap();
        let factor = 10f32.powf(f32::from(decibels) / 20.0);
        for (x, y) in whole.iter().zip(&louder) {
            assert!((x * factor - y).abs() <= 1e-6, "{x} {y}");
        }
    }
}

#[test]
fn streams_in_a_row_are_one_recording() {
    let one = bytes_of("opus.ogg");
    let twice = piped([one.clone(), one].concat()).unwrap();
    assert_eq!(twice, whole("opus.ogg").repeat(2));
}

#[test]
fn layouts_that_cannot_be_are_refused() {
    let refusal = |name, at, bytes: &[u8]| match with(name, at, bytes) {
        Err(Error::Unsupported { reason, .. } | Error::Damaged { reason, .. }) => reason,
        other => panic!("expected a refusal, got {other:?}"),
    };
    let unknown = refusal("opus.webm", 18, &[255]);
    assert!(unknown.contains("no known layout"), "{unknown}");
    let many = refusal("opus.webm", 9, &[3]);
    assert!(many.contains("more than two channels"), "{many}");
    // Six channels out of four streams, two of them of two channels.
    for (at, bytes) in [(19, &[0u8][..]), (20, &[5]), (21, &[6]), (19, &[200, 56])] {
        let reason = refusal("opus-surround.mkv", at, bytes);
        assert!(reason.contains("streams that cannot be"), "{reason}");
    }
    // A channel that no stream feeds is silent.
    let silent = with("opus-surround.mkv", 21, &[255; 6]).unwrap();
    assert!(silent.iter().all(|&x| x == 0.0));
}
