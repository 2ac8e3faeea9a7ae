//! Tests what the header of Opus does to the samples.

use ser_audio::{Error, read};
use ser_fixtures::ogg_page;

use crate::damage::{ends_alike, heard};
use crate::signals::{bytes_of, fixture, piped};

/// Reads a fixture with other bytes in its Opus header, from `at` on.
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
    // Ogg states where the sound ends. Without that, the last packet is kept whole.
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
    assert!(unknown.contains("unknown channel layout"), "{unknown}");
    let many = refusal("opus.webm", 9, &[3]);
    assert!(many.contains("more than two channels"), "{many}");
    // Six channels from four streams, two of which have two channels.
    for (at, bytes) in [(19, &[0u8][..]), (20, &[5]), (21, &[6]), (19, &[200, 56])] {
        let reason = refusal("opus-surround.mkv", at, bytes);
        assert!(reason.contains("impossible streams"), "{reason}");
    }
    // A channel without a stream is silent.
    let silent = with("opus-surround.mkv", 21, &[255; 6]).unwrap();
    assert!(silent.iter().all(|&x| x == 0.0));
}

/// Samples of a packet.
const PACKET: usize = 960;

/// Returns the packets of sound of `opus.ogg`.
fn packets() -> Vec<Vec<u8>> {
    let file = bytes_of("opus.ogg");
    let (mut rest, mut packets) = (&file[..], vec![Vec::new()]);
    while !rest.is_empty() {
        let (segments, body) = rest[27..].split_at(rest[26].into());
        rest = body;
        for &segment in segments {
            let (bytes, more) = rest.split_at(segment.into());
            rest = more;
            packets.last_mut().unwrap().extend_from_slice(bytes);
            if segment < 255 {
                packets.push(Vec::new());
            }
        }
    }
    packets.pop();
    packets.split_off(2)
}

/// Returns Ogg with three packets per page, and with the pre-skip in its header.
fn pages(pre_skip: u16, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend(pre_skip.to_le_bytes());
    head.extend([0; 7]);
    let mut pages = vec![ogg_page(2, 0, 0, &[&head])];
    pages.push(ogg_page(0, 0, 1, &[b"OpusTags\0\0\0\0\0\0\0\0"]));
    let count = packets.len().div_ceil(3);
    for (n, packets) in (1..).zip(packets.chunks(3)) {
        let packets: Vec<&[u8]> = packets.iter().map(Vec::as_slice).collect();
        let flags = if n == count { 4 } else { 0 };
        let granule = (n * 3 * PACKET) as u64;
        pages.push(ogg_page(flags, granule, n as u32 + 1, &packets));
    }
    pages
}

#[test]
fn opus_is_silent_where_it_is_damaged_and_keeps_its_times() {
    let packets = packets();
    for pre_skip in [0u16, 312, 800, 3312, 3840] {
        let file = pages(pre_skip, &packets);
        let (whole, damage) = heard(file.concat());
        let length = packets.len() * PACKET - usize::from(pre_skip);
        assert_eq!((whole.len(), damage), (length, None), "{pre_skip}");
        let twice = [file.concat(), file.concat()].concat();
        assert_eq!(heard(twice), (whole.repeat(2), None), "{pre_skip}");
        let mut destroyed = file.clone();
        destroyed[7][50..].fill(0);
        let mut gone = file.clone();
        gone.drain(7..9);
        // Three packets begin in a way that no Opus packet does: with several frames, whose number is 0.
        let mut bad = packets.clone();
        bad[15..18].fill(vec![3, 0]);
        let bad = pages(pre_skip, &bad);
        for (file, lost) in [(destroyed, 3), (gone, 6), (bad, 3)] {
            let (samples, damage) = heard(file.concat());
            assert_eq!(samples.len(), length, "{pre_skip}, {lost}");
            assert!(ends_alike(&samples, &whole, 9600, 0), "{pre_skip}, {lost}");
            let start = 15 * PACKET - usize::from(pre_skip);
            assert_eq!(samples[..start], whole[..start], "{pre_skip}, {lost}");
            let lost = lost * PACKET;
            let silent = &samples[start..start + lost];
            assert!(silent.iter().all(|&x| x == 0.0), "{pre_skip}, {lost}");
            let damage = damage.unwrap();
            assert_eq!(damage.silent_seconds, lost as f64 / 48_000.0);
            assert_eq!(damage.places, 1);
        }
    }
}
