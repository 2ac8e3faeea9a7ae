//! Checks that damaged recordings give what they hold, report what is missing, and keep the times right.

use std::path::Path;

use ser_audio::{AudioStream, Damage};
use ser_fixtures::{FLAC_FRAME, ogg_page};

use crate::signals::{FIXTURES, Random, bytes_of, piped, wav};

/// Returns the samples and what is missing, of bytes as a file.
pub fn heard(bytes: Vec<u8>) -> (Vec<f32>, Option<Damage>) {
    let mut stream = AudioStream::from_bytes(bytes.into(), Path::new("clip")).unwrap();
    let mut samples = Vec::new();
    while stream.next_block(&mut samples).unwrap() {}
    (samples, stream.damage())
}

/// Returns FLAC with `frames` frames of noise at 8000 Hz.
fn flac(frames: usize) -> Vec<u8> {
    let mut random = Random::new(1);
    let noise = (0..frames * FLAC_FRAME).map(|_| random.bits() as i16 / 4);
    ser_fixtures::flac(8000, &noise.collect::<Vec<_>>())
}

/// Returns MP3 of 32 kbit/s without a tag, repeated.
fn mp3(times: usize) -> Vec<u8> {
    // Skips ID3 and the frame with the tag of the encoder.
    bytes_of("mono.mp3")[225..].repeat(times)
}

/// Replaces `length` bytes at each place with zeros, or with random bytes from the seed `with`.
fn damaged(bytes: &[u8], places: &[f64], length: usize, with: Option<u64>) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    let mut random = Random::new(with.unwrap_or(1));
    for place in places {
        let start = (place * bytes.len() as f64) as usize;
        for byte in &mut damaged[start..start + length] {
            *byte = with.map_or(0, |_| random.bits() as u8);
        }
    }
    damaged
}

/// Returns whether the last second of `samples` lies in the same place in `whole`, to within `slack` samples.
pub fn ends_alike(samples: &[f32], whole: &[f32], rate: usize, slack: usize) -> bool {
    let pattern = &whole[whole.len() - rate..];
    let shift = |by: isize| {
        let at = (whole.len() - rate) as isize + by;
        samples
            .get(at as usize..at as usize + rate)
            .is_some_and(|found| {
                let product: f64 = found
                    .iter()
                    .zip(pattern)
                    .map(|(a, b)| f64::from(a * b))
                    .sum();
                let energy: f64 = pattern.iter().map(|x| f64::from(x * x)).sum();
                product > 0.9 * energy
            })
    };
    (-(slack as isize)..=slack as isize).any(shift)
}

#[test]
fn flac_is_silent_where_it_is_damaged_and_right_elsewhere() {
    let file = flac(20);
    let (whole, damage) = heard(file.clone());
    assert_eq!((whole.len(), damage), (20 * 4096, None));
    for with in [None, Some(3)] {
        let (samples, damage) = heard(damaged(&file, &[0.21, 0.61], 9000, with));
        assert_eq!(samples.len(), whole.len());
        for (number, (found, expected)) in samples.chunks(4096).zip(whole.chunks(4096)).enumerate()
        {
            let is_silent = found.iter().all(|&x| x == 0.0);
            assert!(is_silent || found == expected, "frame {number}");
        }
        let damage = damage.unwrap();
        assert_eq!(damage.places, 2);
        assert!((1.0..3.6).contains(&damage.silent_seconds), "{damage}");
        assert_eq!(damage.cut_short, None);
    }
    // Missing bytes are as many seconds as destroyed bytes.
    let mut gone = file.clone();
    gone.drain(70_000..90_000);
    let (samples, damage) = heard(gone);
    assert_eq!(samples.len(), whole.len());
    assert_eq!(samples[15 * 4096..], whole[15 * 4096..]);
    assert_eq!(damage.unwrap().places, 1);
}

#[test]
fn flac_with_a_wrong_or_no_number_of_samples_gives_all_of_them() {
    let file = flac(20);
    let (whole, _) = heard(file.clone());
    for total in [0u64, 4096, 4097, 1 << 30] {
        let mut wrong = file.clone();
        wrong[18..26].copy_from_slice(&((8000u64 << 44) | (15 << 36) | total).to_be_bytes());
        let (samples, damage) = heard(wrong);
        assert_eq!(samples, whole, "{total}");
        assert_eq!(damage.is_some(), total == 1 << 30, "{total}");
    }
    let (samples, damage) = heard(file[..file.len() * 7 / 10].to_vec());
    assert!((13 * 4096..=14 * 4096).contains(&samples.len()));
    assert_eq!(samples, whole[..samples.len()]);
    let damage = damage.unwrap().to_string();
    let begins = "cut short: the header promises 10.2 s, the file holds ";
    assert!(damage.starts_with(begins), "{damage}");
}

#[test]
fn flac_without_its_beginning_is_timed_as_the_whole() {
    let file = flac(20);
    let (whole, _) = heard(file.clone());
    assert_eq!(heard(file[42..].to_vec()), (whole.clone(), None));
    // The file begins in the third frame of 8201 bytes, so the fourth is the first, or exactly at the fourth.
    for start in [20_000, 5000 + 2 * 8201, 3 * 8201] {
        let (samples, damage) = heard(file[42 + start..].to_vec());
        assert_eq!(samples.len(), whole.len());
        assert!(samples[..3 * 4096].iter().all(|&x| x == 0.0));
        assert_eq!(samples[3 * 4096..], whole[3 * 4096..]);
        let damage = damage.unwrap();
        assert_eq!((damage.places, damage.cut_short), (1, None));
        assert_eq!(damage.silent_seconds, 3.0 * 4096.0 / 8000.0);
    }
    // The same holds for a header whose first frames are destroyed.
    let (samples, _) = heard(damaged(&file, &[0.001], 20_000, None));
    assert_eq!(samples[3 * 4096..], whole[3 * 4096..]);
    // A single frame may be there by chance.
    let lone = file[file.len() - 10_000..].to_vec();
    assert!(AudioStream::from_bytes(lone.into(), Path::new("clip")).is_err());
}

#[test]
fn what_was_recorded_out_of_a_broadcast_begins_where_it_does() {
    let file = ser_fixtures::flac(8000, &[1000; 300 * FLAC_FRAME]);
    let frames = file.len() - 42;
    let rest = &file[42 + frames * 29 / 30..];
    let (samples, damage) = heard(rest.to_vec());
    assert_eq!((samples.len(), damage), (9 * FLAC_FRAME, None));
}

#[test]
fn mp3_is_silent_for_as_long_as_as_many_bytes_take() {
    let file = mp3(20);
    let (whole, damage) = heard(file.clone());
    assert_eq!(damage, None);
    for with in [None, Some(5)] {
        let (samples, damage) = heard(damaged(&file, &[0.2, 0.5], file.len() / 20, with));
        assert!(ends_alike(&samples, &whole, 16_000, 3200), "{with:?}");
        let damage = damage.unwrap();
        assert!((0.5..4.0).contains(&damage.silent_seconds), "{damage}");
    }
}

#[test]
fn an_mp3_of_variable_bit_rate_that_says_how_long_it_is_has_the_right_times() {
    // Thirty frames of 32 kbit/s hold sound.
    let sound: Vec<Vec<u8>> = bytes_of("mono.mp3")[225..]
        .chunks_exact(144)
        .map(<[u8]>::to_vec)
        .collect();
    let mut random = Random::new(7);
    let mut silence = |frames: usize| {
        let bit_rates = (0..frames / 20).map(|_| (random.bits() % 14 + 1) as u8);
        let frames = bit_rates.flat_map(|rate| vec![ser_fixtures::mp3_silence(rate); 20]);
        frames.collect::<Vec<_>>()
    };
    let (first, second) = (silence(1000), silence(1000));
    let frames = [&first, &sound, &second, &sound].map(|part| part.as_slice());
    let file = ser_fixtures::mp3(&frames.concat());
    let (whole, damage) = heard(file.clone());
    assert_eq!(damage, None);
    let middle = whole.len() / 2 - 100;
    for with in [None, Some(5)] {
        let (samples, damage) = heard(damaged(&file, &[0.2, 0.3, 0.7], file.len() / 25, with));
        assert!(
            ends_alike(&samples[..middle + 3200], &whole[..middle], 8000, 1600),
            "{with:?}"
        );
        assert!(ends_alike(&samples, &whole, 8000, 600), "{with:?}");
        let damage = damage.unwrap();
        assert!((3..7).contains(&damage.places), "{damage}");
        assert_eq!(damage.cut_short, None);
    }
}

#[test]
fn an_mp3_whose_tag_lies_gives_all_that_it_holds() {
    let file = bytes_of("mono.mp3");
    let at = file
        .windows(4)
        .position(|bytes| matches!(bytes, b"Xing" | b"Info"));
    let (whole, _) = heard(file.clone());
    for frames in [1u32, 3, 100_000] {
        let mut lie = file.clone();
        let at = at.unwrap();
        lie[at + 8..at + 12].copy_from_slice(&frames.to_be_bytes());
        let (samples, _) = heard(lie);
        assert!(
            samples.len() + 3 * 1152 >= whole.len(),
            "{frames}: {}",
            samples.len()
        );
    }
}

/// Returns an element of Matroska with its size in eight bytes.
fn element(name: u32, content: &[u8]) -> Vec<u8> {
    let name = name.to_be_bytes();
    let zeros = name.iter().take_while(|&&byte| byte == 0).count();
    let size = (content.len() as u64 | 1 << 56).to_be_bytes();
    [&name[zeros..], &size, content].concat()
}

/// Samples of a block of [`matroska`]: a tenth of a second.
const BLOCK: usize = 800;

/// Returns 16-bit noise at 8000 Hz in Matroska, with ten blocks per cluster. The sizes of the clusters may be unknown,
/// as from a writer that cannot go back.
fn matroska(blocks: u16, has_sizes: bool) -> Vec<u8> {
    let text = |name, text: &str| element(name, text.as_bytes());
    let number = |name, number: u64| element(name, &number.to_be_bytes());
    let sound = [
        element(0xB5, &8000f64.to_be_bytes()),
        number(0x9F, 1),
        number(0x6264, 16),
    ];
    let track = [
        number(0xD7, 1),
        number(0x73C5, 1),
        number(0x83, 2),
        text(0x86, "A_PCM/INT/LIT"),
        element(0xE1, &sound.concat()),
    ];
    let duration = f64::from(blocks) * 100.0;
    let info = [
        number(0x2A_D7B1, 1_000_000),
        element(0x4489, &duration.to_be_bytes()),
        text(0x4D80, "ser"),
        text(0x5741, "ser"),
    ];
    let mut segment = [
        element(0x1549_A966, &info.concat()),
        element(0x1654_AE6B, &element(0xAE, &track.concat())),
    ]
    .concat();
    let mut random = Random::new(4);
    for first in (0..blocks).step_by(10) {
        let mut cluster = number(0xE7, u64::from(first) * 100);
        for block in first..blocks.min(first + 10) {
            let mut content = vec![0x81];
            content.extend(((block - first) * 100).to_be_bytes());
            content.push(0x80);
            content.extend((0..2 * BLOCK).map(|i| (random.bits() >> (i % 2)) as u8));
            cluster.extend(element(0xA3, &content));
        }
        let mut cluster = element(0x1F43_B675, &cluster);
        if !has_sizes {
            cluster[4..12].copy_from_slice(&[1, 255, 255, 255, 255, 255, 255, 255]);
        }
        segment.extend(cluster);
    }
    let kind = text(0x4282, "matroska");
    [element(0x1A45_DFA3, &kind), element(0x1853_8067, &segment)].concat()
}

#[test]
fn matroska_is_silent_where_it_is_damaged_and_right_elsewhere() {
    for has_sizes in [true, false] {
        let file = matroska(200, has_sizes);
        let (whole, damage) = heard(file.clone());
        assert_eq!((whole.len(), damage), (200 * BLOCK, None));
        for with in [None, Some(3), Some(8)] {
            let bytes = damaged(&file, &[0.13, 0.37, 0.71], 9000, with);
            let (samples, damage) = heard(bytes);
            assert_eq!(samples.len(), whole.len());
            let blocks = samples.chunks(BLOCK).zip(whole.chunks(BLOCK));
            let wrong = blocks.filter(|(found, expected)| found != expected).count();
            // A cluster that has lost its time is lost as well.
            assert!((15..40).contains(&wrong), "{wrong} blocks, {with:?}");
            let damage = damage.unwrap();
            assert!((3..7).contains(&damage.places), "{damage}");
            assert_eq!(damage.cut_short, None);
        }
    }
}

#[test]
fn matroska_that_is_cut_short_says_so_and_gives_what_it_holds() {
    for has_sizes in [true, false] {
        let file = matroska(200, has_sizes);
        let (samples, damage) = heard(file[..file.len() / 2].to_vec());
        let missing = (100 * BLOCK).abs_diff(samples.len());
        assert!(missing <= BLOCK, "{missing}");
        assert!(damage.unwrap().cut_short.is_some());
    }
}

/// Returns `file` with the one occurrence of `from` replaced by `to`, of the same length.
fn replaced(mut file: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = file.windows(from.len()).position(|found| found == from);
    let at = at.unwrap();
    file[at..at + to.len()].copy_from_slice(to);
    file
}

#[test]
fn silence_comes_in_small_blocks_whatever_the_rate_and_the_channels() {
    const CHANNELS: u64 = 200;
    // Blocks of four samples per channel, a tenth of a second apart.
    let field = |number: u64| element(0x9F, &number.to_be_bytes());
    let file = replaced(matroska(20, true), &field(1), &field(CHANNELS));
    let field = |rate: f64| element(0xB5, &rate.to_be_bytes());
    let file = replaced(file, &field(8e3), &field(768e3));
    let mut stream = AudioStream::from_bytes(file.into(), Path::new("clip")).unwrap();
    let (mut samples, mut longest, mut all) = (Vec::new(), 0, 0);
    // At its end it is refused, because too little of it can be decoded.
    while let Ok(true) = stream.next_block(&mut samples) {
        longest = longest.max(samples.len());
        all += samples.drain(..).len();
    }
    assert!(all > 768_000, "{all} samples");
    assert!(longest * CHANNELS as usize <= 1 << 16, "{longest} samples");
}

/// Returns the frames of [`flac`], which all have the same number of bytes, in Ogg, two per page.
fn ogg(frames: usize) -> Vec<u8> {
    let file = flac(frames);
    let (header, frames) = file.split_at(42);
    let first = [b"\x7FFLAC\x01\0\0\0".as_slice(), header].concat();
    let mut packets = frames.chunks(2 * FLAC_FRAME + 9);
    let mut bytes = ogg_page(2, 0, 0, &[&first]);
    let mut number = 1;
    while let (Some(one), other) = (packets.next(), packets.next()) {
        let other = other.unwrap_or_default();
        let last = if packets.len() == 0 { 4 } else { 0 };
        let granule = u64::from(number) * 2 * 4096;
        bytes.extend(ogg_page(last, granule, number, &[one, other]));
        number += 1;
    }
    bytes
}

#[test]
fn ogg_is_silent_where_pages_are_damaged_and_right_behind_them() {
    let file = ogg(20);
    let (whole, damage) = heard(file.clone());
    assert_eq!((whole.len(), damage), (20 * 4096, None));
    let mut gone = file.clone();
    gone.drain(70_000..90_000);
    for bytes in [
        damaged(&file, &[0.21, 0.61], 9000, None),
        damaged(&file, &[0.21, 0.61], 9000, Some(3)),
        gone,
    ] {
        let (samples, damage) = heard(bytes);
        assert_eq!(samples.len(), whole.len());
        let pages = samples.chunks(8192).zip(whole.chunks(8192));
        for (number, (found, expected)) in pages.enumerate() {
            let is_silent = found.iter().all(|&x| x == 0.0);
            assert!(is_silent || found == expected, "page {number}");
        }
        let damage = damage.unwrap();
        assert!((1.0..5.2).contains(&damage.silent_seconds), "{damage}");
        assert_eq!(damage.cut_short, None);
    }
}

#[test]
fn ogg_whose_last_page_ends_anywhere_gives_all_of_it() {
    let file = ogg(20);
    let (whole, _) = heard(file.clone());
    let last = file.len() - ogg_page(4, 0, 0, &[&file[..8201], &file[..8201]]).len();
    for granule in [0, 3, u64::MAX - 1, 1 << 50] {
        let mut wrong = file[..last].to_vec();
        let packets = &file[last + 27 + 66..];
        let (one, other) = packets.split_at(packets.len() / 2);
        wrong.extend(ogg_page(4, granule, 10, &[one, other]));
        assert_eq!(heard(wrong).0.len(), whole.len(), "{granule}");
    }
}

#[test]
fn ogg_that_is_cut_says_so_and_gives_what_it_holds() {
    let file = bytes_of("vorbis.ogg");
    let (whole, damage) = heard(file.clone());
    assert_eq!(damage, None);
    // The cut lies in the only page of sound.
    let (samples, damage) = heard(file[..4200].to_vec());
    assert!(samples.len() > whole.len() / 3, "{}", samples.len());
    assert_eq!(
        samples[..samples.len() - 2048],
        whole[..samples.len() - 2048]
    );
    let damage = damage.unwrap().to_string();
    assert!(
        damage.starts_with("cut short: the file holds 0."),
        "{damage}"
    );
    assert_eq!(heard(file.repeat(3)).1, None);
    let cut = AudioStream::from_bytes(file[100..].into(), Path::new("clip"));
    assert!(cut.is_err());
}

#[test]
fn wav_that_is_damaged_keeps_its_times_and_one_that_is_cut_says_so() {
    let data: Vec<u8> = (0..32_000u32).map(|n| (n * 37 % 251) as u8).collect();
    let file = wav(1, 16, 8000, &data);
    let (whole, _) = heard(file.clone());
    let (samples, damage) = heard(damaged(&file, &[0.3], 3000, Some(2)));
    assert_eq!((samples.len(), damage), (whole.len(), None));
    let (samples, damage) = heard(file[..20_001].to_vec());
    assert_eq!(samples, whole[..(20_001 - 44) / 2]);
    assert_eq!(
        damage.unwrap().to_string(),
        "cut short: the header promises 2.0 s, the file holds 1.2 s"
    );
}

#[test]
fn coded_wav_whose_length_nobody_knew_is_not_cut_short() {
    let file = bytes_of("alaw.wav");
    let (whole, damage) = heard(file.clone());
    assert_eq!(damage, None);
    let at = 4 + file.windows(4).position(|name| name == b"data").unwrap();
    for (stated, is_cut) in [
        (u32::MAX, false),
        (0x7FFF_F000, false),
        (0x8000_0000, false),
        (0x7FFF_E000, true),
    ] {
        let mut marked = file.clone();
        marked[at..at + 4].copy_from_slice(&stated.to_le_bytes());
        let riff = stated.saturating_add(at as u32 - 4);
        marked[4..8].copy_from_slice(&riff.to_le_bytes());
        let (samples, damage) = heard(marked);
        assert_eq!(samples, whole, "{stated:x}");
        let cut = damage.and_then(|damage| damage.cut_short);
        assert_eq!(cut.is_some(), is_cut, "{stated:x}");
    }
}

/// MP4 whose directory comes behind the sound, which cannot be decoded without it.
const DIRECTORY_LAST: [&str; 3] = ["aac.m4a", "alac.m4a", "stereo.m4a"];
/// CAF passes over its sound before any of it is decoded.
const CUT_IS_REFUSED: [&str; 1] = ["pcm.caf"];
/// The last byte of the fragments belongs to their index, and an MP3 may be shorter than it states by more than its last
/// frame.
const LAST_BYTE_GOES_UNNOTICED: [&str; 3] = ["fragments.mp4", "mono.mp3", "stereo.mp3"];

#[test]
fn without_its_last_byte_nearly_all_of_a_recording_is_there() {
    for (name, rate) in FIXTURES {
        if DIRECTORY_LAST.contains(&name) || CUT_IS_REFUSED.contains(&name) {
            continue;
        }
        let mut file = bytes_of(name);
        let (whole, damage) = heard(file.clone());
        assert_eq!(damage, None, "{name}");
        file.pop();
        let (samples, damage) = heard(file);
        // No frame, packet or block of the fixtures is longer.
        let lost = (whole.len() - samples.len()) as f64 / f64::from(rate);
        assert!(lost < 0.26, "{name}: {lost} s");
        let cut = damage.and_then(|damage| damage.cut_short);
        assert_eq!(
            cut.is_some(),
            !LAST_BYTE_GOES_UNNOTICED.contains(&name),
            "{name}"
        );
    }
}

#[test]
fn mp4_whose_directory_comes_first_is_read_as_far_as_it_goes() {
    for name in ["fragments.mp4", "opus.mp4", "pcm.mov"] {
        let file = bytes_of(name);
        let (whole, _) = heard(file.clone());
        let (samples, damage) = heard(file[..file.len() / 2].to_vec());
        let share = samples.len() as f64 / whole.len() as f64;
        assert!((0.25..0.5).contains(&share), "{name}: {share}");
        assert_eq!(samples, whole[..samples.len()], "{name}");
        assert!(damage.is_some_and(|damage| damage.cut_short.is_some()));
    }
}

#[test]
fn adpcm_that_is_cut_anywhere_gives_its_whole_blocks() {
    for name in ["adpcm-ima.wav", "adpcm-ms.wav"] {
        let file = bytes_of(name);
        let (whole, _) = heard(file.clone());
        for blocks in 0..3 {
            let cut = file[..file.len() - blocks * 1024 - 500].to_vec();
            let (samples, damage) = heard(cut);
            assert_eq!(samples.len(), whole.len() / 4 * (3 - blocks), "{name}");
            assert_eq!(samples, whole[..samples.len()], "{name}");
            assert!(damage.is_some_and(|damage| damage.cut_short.is_some()));
        }
    }
}

#[test]
fn a_length_that_is_unknown_is_not_promised() {
    let file = bytes_of("fragments.mp4");
    let (whole, _) = heard(file.clone());
    let field = file.windows(4).position(|name| name == b"mdhd").unwrap() + 20;
    for stated in [0, u32::MAX] {
        let mut unknown = file.clone();
        unknown[field..field + 4].copy_from_slice(&stated.to_be_bytes());
        let stream = AudioStream::from_bytes(unknown.clone().into(), Path::new("clip")).unwrap();
        assert_eq!(stream.duration(), None);
        assert_eq!(heard(unknown), (whole.clone(), None));
    }
}

/// Returns why bytes are refused.
fn refusal(bytes: Vec<u8>) -> String {
    let Err(error) = AudioStream::from_bytes(bytes.into(), Path::new("clip")) else {
        panic!("expected a refusal");
    };
    error.to_string()
}

#[test]
fn pcm_of_quick_time_that_may_be_big_endian_is_refused() {
    let file = bytes_of("pcm.mov");
    let big = replaced(file.clone(), b"enda\0\x01", b"enda\0\0");
    let none = replaced(file, b"enda\0\x01", b"free\0\0");
    for bytes in [big, none] {
        let through_a_pipe = piped(bytes.clone()).unwrap_err().to_string();
        for said in [refusal(bytes), through_a_pipe] {
            assert!(said.contains("big-endian"), "{said}");
        }
    }
}

#[test]
fn mp4_that_is_intact_but_not_decoded_is_not_called_damaged() {
    // AMR, which symphonia does not know.
    let amr = replaced(bytes_of("opus.mp4"), b"Opus", b"samr");
    let said = refusal(amr);
    assert!(
        said.ends_with("it has no audio track in a codec that is decoded: convert it with ffmpeg"),
        "{said}"
    );
    // Two descriptions of the samples.
    let two = replaced(
        bytes_of("opus.mp4"),
        b"stsd\0\0\0\0\0\0\0\x01",
        b"stsd\0\0\0\0\0\0\0\x02",
    );
    let said = refusal(two);
    assert!(
        said.ends_with("more than 1 sample entry: convert it with ffmpeg"),
        "{said}"
    );
}

#[test]
fn mp4_without_its_directory_is_refused_with_the_reason() {
    let file = bytes_of("aac.m4a");
    let said = refusal(file[..file.len() / 2].to_vec());
    assert!(said.contains("its directory (moov)"), "{said}");
}

#[test]
fn junk_does_not_become_days_of_silence() {
    let mut random = Random::new(11);
    let junk: Vec<u8> = (0..300_000).map(|_| random.bits() as u8).collect();
    for name in [
        "mono.mp3",
        "aac.aac",
        "vorbis.ogg",
        "flac.ogg",
        "native.flac",
        "flac.mkv",
    ] {
        // The only page of sound of an Ogg would be torn apart.
        let file = bytes_of(name).repeat(3);
        let bytes = [&file[..file.len() / 2], &junk, &file[file.len() / 2..]].concat();
        let mut stream = AudioStream::from_bytes(bytes.into(), Path::new(name)).unwrap();
        let (mut samples, mut count) = (Vec::new(), 0);
        while stream.next_block(&mut samples).unwrap_or(false) {
            count += samples.len();
            samples.clear();
        }
        let seconds = count as f64 / f64::from(stream.sample_rate());
        assert!(seconds < 700.0, "{name}: {seconds} s");
    }
}
