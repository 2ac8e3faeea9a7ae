//! Tests where a recording may come from, and how much of it is read.

use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use ser_audio::{AudioStream, Error, Stored, read};

use crate::signals::{FIXTURES, bytes_of, drain, fixture, piped, wav};

/// A reader that returns a few bytes at a time, in varying numbers.
struct Dripping {
    bytes: Vec<u8>,
    position: usize,
}

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(1 + self.position * 7 % 1009);
        let read = (&self.bytes[self.position..]).read(&mut buffer[..wanted])?;
        self.position += read;
        Ok(read)
    }
}

/// Containers whose directory lies at the end in these fixtures, or that must look there.
const NOT_FROM_A_PIPE: [&str; 4] = ["aac.m4a", "alac.m4a", "stereo.m4a", "pcm.caf"];

#[test]
fn a_pipe_gives_what_the_file_gives_however_it_drips() {
    for (name, rate) in FIXTURES {
        if NOT_FROM_A_PIPE.contains(&name) {
            continue;
        }
        let reader = Dripping {
            bytes: bytes_of(name),
            position: 0,
        };
        let stream = AudioStream::from_reader(Box::new(reader), Path::new("-")).unwrap();
        assert_eq!(stream.sample_rate(), rate, "{name}");
        assert_eq!(
            drain(stream).unwrap(),
            read(fixture(name)).unwrap().samples,
            "{name}"
        );
    }
}

/// A source that returns at most a thousand bytes at a time.
struct Elsewhere(Vec<u8>);

impl Stored for Elsewhere {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rest = self.0.get(at as usize..).unwrap_or_default();
        let most = buffer.len().min(1000);
        rest.read(&mut buffer[..most])
    }
}

#[test]
fn all_but_a_pipe_can_start_over() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain.wav");
    std::fs::write(&plain, wav(1, 16, 8000, &[7; 200_000])).unwrap();
    let fixtures = FIXTURES.iter().map(|(name, _)| fixture(name));
    for path in fixtures.chain([plain]) {
        let name = path.display();
        let expected = read(&path).unwrap().samples;
        let bytes = std::fs::read(&path).unwrap();
        for mut stream in [
            AudioStream::open(&path).unwrap(),
            AudioStream::from_bytes(bytes.clone().into(), &path).unwrap(),
            AudioStream::from_stored(Arc::new(Elsewhere(bytes.clone())), &path).unwrap(),
        ] {
            for blocks in [0, 1, 3, usize::MAX] {
                let mut samples = Vec::new();
                for _ in 0..blocks {
                    if !stream.next_block(&mut samples).unwrap() {
                        break;
                    }
                }
                assert!(expected.starts_with(&samples), "{name}");
                stream.rewind().unwrap();
            }
            assert_eq!(drain(stream).unwrap(), expected, "{name}");
        }
        if let Ok(mut piped) = AudioStream::from_reader(Box::new(Cursor::new(bytes)), &path) {
            assert!(piped.frames().is_none(), "{name}");
            let error = piped.rewind().unwrap_err().to_string();
            assert!(error.ends_with("a pipe cannot go back"), "{error}");
        }
    }
}

#[test]
fn a_limit_is_kept_after_its_error_and_starts_over_with_the_recording() {
    let bytes = wav(1, 16, 8000, &[7; 200_000]);
    let stream = AudioStream::from_bytes(bytes.into(), Path::new("clip")).unwrap();
    // The first block is 32 768 samples; the last one is smaller than what is left of the limit after the second.
    let mut stream = stream.at_most(9.0);
    for _ in 0..2 {
        let mut samples = Vec::new();
        while stream.next_block(&mut samples).is_ok_and(|is_more| is_more) {}
        assert_eq!(samples.len(), 65_536);
        let refused = stream.next_block(&mut samples).unwrap_err();
        assert!(matches!(refused, Error::Longer { .. }), "{refused}");
        assert_eq!(samples.len(), 65_536);
        stream.rewind().unwrap();
    }
}

#[test]
fn what_needs_its_end_first_is_refused_in_a_pipe() {
    for name in NOT_FROM_A_PIPE {
        assert!(piped(bytes_of(name)).is_err(), "{name}");
    }
}

#[test]
fn wav_of_unknown_length_is_followed_until_the_pipe_closes() {
    let data: Vec<u8> = (0..30_001u32).map(|n| (n * 37 % 251) as u8).collect();
    let expected = piped(wav(1, 16, 8000, &data[..30_000])).unwrap();
    assert_eq!(expected.len(), 15_000);
    for (riff, length) in [
        (u32::MAX, u32::MAX),
        (0, 0),
        (0x7FFF_F024, 0x7FFF_F000),
        (0x8000_0024, 0x8000_0000),
    ] {
        // A byte more than whole samples.
        let mut file = wav(1, 16, 8000, &data);
        file[4..8].copy_from_slice(&u32::to_le_bytes(riff));
        file[40..44].copy_from_slice(&u32::to_le_bytes(length));
        let reader = Dripping {
            bytes: file,
            position: 0,
        };
        let stream = AudioStream::from_reader(Box::new(reader), Path::new("-")).unwrap();
        assert_eq!(stream.duration(), None);
        assert_eq!(drain(stream).unwrap(), expected, "{length:#x}");
    }
}

#[test]
fn wav_in_a_pipe_comes_in_tenths_of_a_second() {
    let mut file = wav(1, 16, 8000, &[1; 16_000]);
    file[4..8].copy_from_slice(&[0xFF; 4]);
    file[40..44].copy_from_slice(&[0xFF; 4]);
    let reader = std::io::Cursor::new(file);
    let mut stream = AudioStream::from_reader(Box::new(reader), Path::new("-")).unwrap();
    let mut samples = Vec::new();
    assert!(stream.next_block(&mut samples).unwrap());
    assert_eq!(samples.len(), 800);
}

#[test]
fn wav_in_a_pipe_that_ends_before_its_stated_length_gives_what_came() {
    let file = wav(1, 16, 8000, &[1; 16_000]);
    let reader = std::io::Cursor::new(file[..10_000].to_vec());
    let mut stream = AudioStream::from_reader(Box::new(reader), Path::new("-")).unwrap();
    let mut samples = Vec::new();
    while stream.next_block(&mut samples).unwrap() {}
    assert_eq!(samples.len(), (10_000 - 44) / 2);
    assert_eq!(
        stream.damage().unwrap().to_string(),
        "cut short: the header promises 1.0 s, the file holds 0.6 s"
    );
}

#[test]
fn wav_with_chunks_before_its_samples_comes_through_a_pipe() {
    let plain = wav(1, 16, 8000, &[7; 1000]);
    // The longer one is more than a pipe can go back.
    for length in [0x1003u32, 70_001] {
        let mut file = plain[..36].to_vec();
        file.extend(b"LIST");
        file.extend(length.to_le_bytes());
        file.extend(vec![0; length as usize + 1]);
        file.extend(&plain[36..]);
        assert_eq!(piped(file).unwrap(), piped(plain.clone()).unwrap());
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_file_is_read_as_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo");
    let made = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    let writer = std::thread::spawn({
        let path = path.clone();
        move || std::fs::write(path, bytes_of("native.flac")).unwrap()
    });
    assert_eq!(read(&path).unwrap(), read(fixture("native.flac")).unwrap());
    writer.join().unwrap();
}

#[test]
fn a_part_is_what_lies_there_in_the_whole() {
    for (name, rate) in FIXTURES {
        let whole = read(fixture(name)).unwrap().samples;
        let seconds = whole.len() as f64 / f64::from(rate);
        let at = |seconds: f64| ((seconds * f64::from(rate)).round() as usize).min(whole.len());
        let part = |start, end| AudioStream::open(&fixture(name)).unwrap().part(start, end);
        for (start, end) in [
            (0.0, None),
            (0.0, Some(0.1)),
            (0.1234, Some(0.2)),
            (seconds / 2.0, None),
            (seconds - 0.01, Some(seconds + 0.09)),
        ] {
            let expected = &whole[at(start)..end.map_or(whole.len(), at)];
            assert_eq!(drain(part(start, end)).unwrap(), expected, "{name} {start}");
            let mut stream = part(start, end);
            while stream.next_block(&mut Vec::new()).unwrap() {}
            stream.rewind().unwrap();
            assert_eq!(drain(stream).unwrap(), expected, "{name} again");
        }
        for (start, end) in [(seconds + 1.0, None), (0.0, Some(seconds + 0.2))] {
            let said = drain(part(start, end)).unwrap_err().to_string();
            let length = format!("found a recording of {seconds:.3} s");
            assert!(said.contains(&length), "{said}");
        }
    }
}
