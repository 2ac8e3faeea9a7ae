//! Checks that every format decodes to the signal that was encoded.

use ser_audio::{AudioStream, EXTENSIONS, Waveform, decode_wav, is_recording, read, recordings};

use crate::signals::{FIXTURES, bytes_of, chirp, drain, fixture, wav};

/// Correlation from which on a signal counts as the expected one.
const ALIKE: f64 = 0.95;

/// Returns the best correlation with the signal over the delays that a codec may have, up to 0.15 s. Opus is two
/// samples early. Stops at the first delay that is good enough.
fn best_correlation(samples: &[f32], rate: u32) -> f64 {
    let samples = [&[0.0; 2], samples].concat();
    let expected: Vec<f64> = (0..rate)
        .map(|n| chirp(f64::from(n) / f64::from(rate)))
        .collect();
    let energy = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>();
    let correlation = |delay: usize| {
        let heard = || samples.iter().skip(delay).map(|&x| f64::from(x));
        let product: f64 = heard().zip(&expected).map(|(x, y)| x * y).sum();
        let energies =
            energy(&mut heard().take(expected.len())) * energy(&mut expected.iter().copied());
        product / energies.sqrt()
    };
    let mut best = 0.0;
    for found in (0..rate as usize * 3 / 20).map(correlation) {
        best = found.max(best);
        if best > ALIKE {
            break;
        }
    }
    best
}

#[test]
fn every_format_has_its_rate_its_length_and_its_signal() {
    for (name, rate) in FIXTURES {
        let waveform = read(fixture(name)).unwrap();
        assert_eq!(waveform.sample_rate, rate, "{name}");
        // AAC begins with an empty frame and ends with a frame that is filled up.
        let seconds = waveform.duration();
        assert!((0.999..1.1).contains(&seconds), "{name}: {seconds} s");
        let correlation = best_correlation(&waveform.samples, rate);
        assert!(correlation > ALIKE, "{name}: {correlation}");
    }
}

#[test]
fn lossless_formats_are_exact() {
    for name in [
        "alac.m4a",
        "flac.mkv",
        "flac.ogg",
        "native.flac",
        "pcm.aiff",
        "pcm.caf",
        "pcm.mov",
    ] {
        let waveform = read(fixture(name)).unwrap();
        assert_eq!(waveform.samples.len(), 8000, "{name}");
        for (n, &x) in waveform.samples.iter().enumerate() {
            let expected = chirp(n as f64 / 8000.0);
            assert!(
                (f64::from(x) - expected).abs() < 1.0 / 32_768.0,
                "{name}: sample {n}"
            );
        }
    }
}

#[test]
fn the_stated_duration_is_the_decoded_one() {
    let mut known = 0;
    for (name, _) in FIXTURES {
        let stream = AudioStream::open(&fixture(name)).unwrap();
        let (rate, stated) = (stream.sample_rate(), stream.duration());
        let decoded = drain(stream).unwrap().len() as f64 / f64::from(rate);
        if let Some(stated) = stated {
            assert!(
                (stated - decoded).abs() < 0.07,
                "{name}: {stated} s, {decoded} s"
            );
            known += 1;
        }
    }
    assert_eq!(
        known,
        FIXTURES.len() - 5,
        "only Matroska and fragments may leave it open"
    );
}

#[test]
fn blocks_together_are_the_whole() {
    for (name, _) in FIXTURES {
        let mut stream = AudioStream::open(&fixture(name)).unwrap();
        let (mut block, mut together) = (Vec::new(), Vec::new());
        while stream.next_block(&mut block).unwrap() {
            together.append(&mut block);
        }
        assert!(
            !stream.next_block(&mut block).unwrap() && block.is_empty(),
            "{name}"
        );
        assert_eq!(together, read(fixture(name)).unwrap().samples, "{name}");
    }
}

#[test]
fn the_name_of_a_file_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song.wav");
    std::fs::copy(fixture("mono.mp3"), &path).unwrap();
    assert_eq!(read(&path).unwrap(), read(fixture("mono.mp3")).unwrap());
}

#[test]
fn plain_wav_is_read_as_the_wav_reader_reads_it() {
    let data: Vec<u8> = (0..4000u32).map(|n| (n * 37 % 251) as u8).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.wav");
    std::fs::write(&path, wav(1, 16, 22_050, &data)).unwrap();
    let mut expected = Waveform::default();
    decode_wav(&std::fs::read(&path).unwrap(), &path, &mut expected).unwrap();
    assert_eq!(read(&path).unwrap(), expected);
    let stream = AudioStream::open(&path).unwrap();
    assert_eq!(stream.duration(), Some(2000.0 / 22_050.0));
    assert_eq!(stream.frames(), Some(2000));
}

#[test]
fn wav_of_64_bit_floats_is_read_although_the_wav_reader_does_not() {
    let values = [0.0, 0.5, -0.25, 1.0f64];
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.wav");
    std::fs::write(&path, wav(3, 64, 8000, &data)).unwrap();
    assert_eq!(read(&path).unwrap().samples, values.map(|x| x as f32));
}

#[test]
fn a_picture_of_megabytes_before_the_sound_is_passed_over() {
    let picture = vec![0xFF; 4 << 20];
    // A size in ID3v2 has seven bits per byte.
    let size = |n: usize| [21, 14, 7, 0].map(|shift| (n >> shift) as u8 & 0x7F);
    let mut file = b"ID3\x04\0\0".to_vec();
    file.extend(size(10 + 14 + picture.len()));
    file.extend(b"APIC");
    file.extend(size(14 + picture.len()));
    file.extend(b"\0\0\0image/jpeg\0\x03\0");
    file.extend(&picture);
    file.extend(bytes_of("mono.mp3"));
    assert_eq!(
        crate::signals::piped(file).unwrap(),
        read(fixture("mono.mp3")).unwrap().samples
    );
}

#[test]
fn ogg_streams_in_a_row_are_one_recording() {
    let one = bytes_of("vorbis.ogg");
    let twice = crate::signals::piped([one.clone(), one].concat()).unwrap();
    let once = read(fixture("vorbis.ogg")).unwrap().samples;
    assert_eq!(twice, [once.clone(), once].concat());
}

#[test]
fn folders_are_searched_for_every_fixture() {
    for (name, _) in FIXTURES {
        assert!(is_recording(&fixture(name)), "{name}");
        assert!(is_recording(&fixture(&name.to_uppercase())), "{name}");
    }
    for name in ["wav", "clip.wav.txt", "._clip.wav", ".wav"] {
        assert!(!is_recording(&fixture(name)), "{name}");
    }
    assert!(EXTENSIONS.is_sorted());
}

#[test]
fn recordings_that_nobody_decodes_are_found_to_be_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("b.wav")).unwrap();
    for name in ["b.wav/2.FLAC", "b.wav/1.opus", "a.mp3", "c.txt", "._a.mp3"] {
        std::fs::write(at(name), "").unwrap();
    }
    let found: Result<Vec<_>, _> = recordings(folder.path()).collect();
    assert_eq!(
        found.unwrap(),
        ["a.mp3", "b.wav/1.opus", "b.wav/2.FLAC"].map(at)
    );
    let missing = recordings(&at("nowhere")).next().unwrap().unwrap_err();
    assert_eq!(missing.path, at("nowhere"));
}
