//! Tests every kind of WAV file that is decoded, and every kind that must be refused.

use std::path::Path;

use ser_audio::{AudioStream, Error, WavInfo, Waveform, decode_wav, probe, read};

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xFFFE;

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_vec();
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    if data.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn fmt(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let block_align = channels * bits / 8;
    let mut data = Vec::new();
    data.extend(tag.to_le_bytes());
    data.extend(channels.to_le_bytes());
    data.extend(rate.to_le_bytes());
    data.extend((rate * u32::from(block_align)).to_le_bytes());
    data.extend(block_align.to_le_bytes());
    data.extend(bits.to_le_bytes());
    data
}

/// Returns the rest of an extensible format chunk: size, valid bits, speakers, kind of samples.
fn extensible(bits: u16, subformat: u16) -> Vec<u8> {
    let mut data = fmt(EXTENSIBLE, 1, 16_000, bits);
    data.extend(22u16.to_le_bytes());
    data.extend(bits.to_le_bytes());
    data.extend(0u32.to_le_bytes());
    data.extend(subformat.to_le_bytes());
    data.extend(b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71");
    data
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((body.len() as u32 + 4).to_le_bytes());
    bytes.extend(b"WAVE");
    bytes.extend(body);
    bytes
}

fn decode(bytes: &[u8]) -> Result<(Waveform, WavInfo), Error> {
    let mut waveform = Waveform::default();
    let info = decode_wav(bytes, Path::new("clip.wav"), &mut waveform)?;
    Ok((waveform, info))
}

fn samples(format: Vec<u8>, data: &[u8]) -> Vec<f32> {
    decode(&riff(&[chunk(b"fmt ", &format), chunk(b"data", data)]))
        .unwrap()
        .0
        .samples
}

/// Returns the reason for which a damaged file is refused.
fn reason(bytes: &[u8]) -> String {
    match decode(bytes) {
        Err(Error::Wav { path, reason }) => {
            assert_eq!(path, Path::new("clip.wav"));
            reason
        }
        other => panic!("expected a damaged file, got {other:?}"),
    }
}

fn unsupported(bytes: &[u8]) -> String {
    match decode(bytes) {
        Err(Error::Unsupported { path, reason }) => {
            assert_eq!(path, Path::new("clip.wav"));
            let (expected, found) = reason.split_once(", found ").unwrap();
            assert!(expected.starts_with("expected PCM of 8"), "{reason}");
            found.to_owned()
        }
        other => panic!("expected an unsupported format, got {other:?}"),
    }
}

#[test]
fn every_depth_has_full_scale_at_one() {
    assert_eq!(
        samples(fmt(PCM, 1, 8000, 8), &[0, 64, 128, 255]),
        [-1.0, -0.5, 0.0, 127.0 / 128.0]
    );
    let data: Vec<u8> = [i16::MIN, -1, 0, 1, i16::MAX]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    assert_eq!(
        samples(fmt(PCM, 1, 8000, 16), &data),
        [-1.0, -1.0 / 32768.0, 0.0, 1.0 / 32768.0, 32767.0 / 32768.0]
    );
    assert_eq!(
        samples(
            fmt(PCM, 1, 8000, 24),
            &[0, 0, 0x80, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0, 0x40]
        ),
        [-1.0, -1.0 / 8_388_608.0, 1.0 / 8_388_608.0, 0.5]
    );
    let data: Vec<u8> = [i32::MIN, 1 << 30, -65536]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    assert_eq!(
        samples(fmt(PCM, 1, 8000, 32), &data),
        [-1.0, 0.5, -65536.0 / 2_147_483_648.0]
    );
    let values = [0.25f32, -1.5, 1e-20];
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(samples(fmt(FLOAT, 1, 8000, 32), &data), values);
}

#[test]
fn hounds_own_files_decode_to_hounds_own_samples() {
    for (bits, max) in [(8u16, 127i32), (16, 32767), (24, 8_388_607), (32, i32::MAX)] {
        for channels in [1u16, 2, 3] {
            let spec = hound::WavSpec {
                channels,
                sample_rate: 44_100,
                bits_per_sample: bits,
                sample_format: hound::SampleFormat::Int,
            };
            let written: Vec<i32> = (0..30).map(|i| max / 31 * (i - 15)).collect();
            let mut bytes = std::io::Cursor::new(Vec::new());
            let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
            for &value in &written {
                writer.write_sample(value).unwrap();
            }
            writer.finalize().unwrap();

            let (waveform, info) = decode(bytes.get_ref()).unwrap();
            assert_eq!((info.channels, info.bits_per_sample), (channels, bits));
            assert_eq!(info.frames, 30 / u64::from(channels));
            let scale = 2f64.powi(i32::from(bits) - 1);
            for (frame, &got) in written.chunks(usize::from(channels)).zip(&waveform.samples) {
                let sum: f64 = frame.iter().map(|&x| f64::from(x) / scale).sum();
                let expected = sum / f64::from(channels);
                assert!(
                    (f64::from(got) - expected).abs() < 1e-7,
                    "{bits} bits, {channels}"
                );
            }
        }
    }
}

#[test]
fn channels_are_mixed_down_to_their_mean() {
    let data: Vec<u8> = [100i16, 300, -200, 0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    assert_eq!(
        samples(fmt(PCM, 2, 8000, 16), &data),
        [200.0 / 32768.0, -100.0 / 32768.0]
    );
    let data: Vec<u8> = [1f32, 2.0, 3.0, 6.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    assert_eq!(samples(fmt(FLOAT, 4, 8000, 32), &data), [3.0]);
}

#[test]
fn extensible_formats_and_stray_extensions_are_read() {
    assert_eq!(samples(extensible(16, PCM), &[0, 0x40]), [0.5]);
    assert_eq!(samples(extensible(24, PCM), &[0, 0, 0x40]), [0.5]);
    assert_eq!(
        samples(extensible(32, FLOAT), &0.75f32.to_le_bytes()),
        [0.75]
    );
    let mut with_extension = fmt(PCM, 1, 8000, 32);
    with_extension.extend([0, 0]);
    assert_eq!(samples(with_extension, &[0, 0, 0, 0x40]), [0.5]);
    let mut with_extension = fmt(FLOAT, 1, 8000, 32);
    with_extension.extend([2, 0, 7, 7]);
    assert_eq!(samples(with_extension, &1f32.to_le_bytes()), [1.0]);
}

/// `arecord -f S24_LE` writes such files. The fourth byte is 0 or continues the sign.
#[test]
fn samples_of_24_bits_lie_in_the_low_bytes_of_four() {
    let mut format = fmt(PCM, 1, 8000, 24);
    format[8..12].copy_from_slice(&32_000u32.to_le_bytes());
    format[12..14].copy_from_slice(&4u16.to_le_bytes());
    let data = [0, 0, 0x40, 0, 0, 0, 0xC0, 0, 0, 0, 0xC0, 0xFF];
    assert_eq!(samples(format, &data), [0.5, -0.5, -0.5]);
}

#[test]
fn chunks_around_the_samples_are_skipped_with_their_padding() {
    let bytes = riff(&[
        chunk(b"JUNK", &[1; 27]),
        chunk(b"fmt ", &fmt(PCM, 1, 48_000, 16)),
        chunk(b"FLLR", &[0; 4044]),
        chunk(b"fact", &[0; 5]),
        chunk(b"data", &[0, 0x40, 0, 0xC0]),
        chunk(b"LIST", b"INFO data fmt "),
        chunk(b"_PMX", &[9; 33]),
    ]);
    let (waveform, info) = decode(&bytes).unwrap();
    assert_eq!(waveform, Waveform::new(vec![0.5, -0.5], 48_000));
    assert_eq!(info.frames, 2);
}

#[test]
fn a_length_its_writer_could_not_know_means_all_the_rest() {
    for (riff_length, data_length) in [
        (u32::MAX, u32::MAX),
        (0, 0),
        (u32::MAX, 0),
        (0x7FFF_F024, 0x7FFF_F000),
        (0x8000_0024, 0x8000_0000),
    ] {
        let mut bytes = riff(&[
            chunk(b"fmt ", &fmt(PCM, 1, 8000, 16)),
            chunk(b"data", &[0, 0x40, 0, 0xC0, 7]),
        ]);
        bytes.pop();
        bytes[4..8].copy_from_slice(&riff_length.to_le_bytes());
        bytes[40..44].copy_from_slice(&data_length.to_le_bytes());
        let (waveform, info) = decode(&bytes).unwrap();
        assert_eq!(waveform.samples, [0.5, -0.5]);
        assert_eq!(info.frames, 2);
    }
}

#[test]
fn rf64_states_the_length_of_the_samples_in_64_bits() {
    let file = |length: u64| {
        let mut lengths = [0u64, length, 2].map(u64::to_le_bytes).concat();
        lengths.extend([0; 4]);
        let mut bytes = riff(&[
            chunk(b"ds64", &lengths),
            chunk(b"fmt ", &fmt(PCM, 1, 8000, 16)),
            chunk(b"data", &[0, 0x40, 0, 0xC0]),
            chunk(b"LIST", &[1; 8]),
        ]);
        let data = bytes.len() - 16 - 4 - 4;
        bytes[..8].copy_from_slice(b"RF64\xFF\xFF\xFF\xFF");
        bytes[data..data + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        bytes
    };
    assert_eq!(decode(&file(4)).unwrap().0.samples, [0.5, -0.5]);
    // The rest of the file counts as samples, because nothing shows that it is another chunk.
    assert_eq!(decode(&file(1 << 40)).unwrap().1.frames, 10);
}

#[test]
fn a_file_without_samples_is_empty_even_if_a_chunk_follows() {
    let bytes = riff(&[
        chunk(b"fmt ", &fmt(PCM, 2, 8000, 16)),
        chunk(b"data", &[]),
        chunk(b"LIST", &[1; 8]),
    ]);
    let (waveform, info) = decode(&bytes).unwrap();
    assert_eq!(waveform, Waveform::new(vec![], 8000));
    assert_eq!(info.frames, 0);
}

#[test]
fn a_file_cut_short_anywhere_gives_what_it_holds() {
    let bytes = riff(&[
        chunk(b"fmt ", &fmt(PCM, 1, 8000, 16)),
        chunk(b"LIST", &[1; 6]),
        chunk(b"data", &[1; 20]),
    ]);
    let header = bytes.len() - 20;
    for length in 0..header + 2 {
        reason(&bytes[..length]);
    }
    for length in header + 2..bytes.len() {
        let (waveform, info) = decode(&bytes[..length]).unwrap();
        assert_eq!(waveform.samples.len(), (length - header) / 2);
        assert_eq!(info.frames, waveform.samples.len() as u64);
    }
    assert_eq!(
        reason(&bytes[..header]),
        "cut short: expected 20 bytes of samples, found 0"
    );
}

#[test]
fn hostile_headers_are_refused_without_asking_for_memory() {
    let file = |format: Vec<u8>| riff(&[chunk(b"fmt ", &format), chunk(b"data", &[0; 12])]);
    assert!(reason(&file(fmt(PCM, 0, 8000, 16))).contains("zero channels"));
    assert!(reason(&file(fmt(PCM, 1, 0, 16))).contains("rate is 0"));
    assert!(reason(&file(fmt(PCM, 1, 8000, 16)[..10].to_vec())).contains("16 bytes"));
    assert!(reason(&file(fmt(PCM, 1, 8000, 0))).contains("bits"));
    reason(&file(fmt(PCM, 1, 8000, 12)));
    assert!(unsupported(&file(fmt(PCM, 1, 8000, 64))).contains("64"));
    assert!(unsupported(&file(fmt(2, 1, 8000, 16))).contains("0x0002"));
    assert!(unsupported(&file(fmt(0x55, 1, 8000, 16))).contains("0x0055"));
    assert!(unsupported(&file(fmt(FLOAT, 1, 8000, 64))).contains("64"));

    assert!(reason(b"").contains("the file is empty"));
    assert!(reason(b"R").contains("inside the header"));
    assert!(reason(b"RIFX\x04\0\0\0WAVE").contains("RIFF WAVE"));
    assert!(reason(b"fLaC\0\0\0\x22 not a wav file at all").contains("RIFF WAVE"));
    assert!(reason(&riff(&[])).contains("no data chunk"));
    assert!(reason(&riff(&[chunk(b"data", &[0; 4])])).contains("no fmt chunk"));

    let mut giant = riff(&[chunk(b"LIST", &[0; 4])]);
    giant[16..20].copy_from_slice(&0xFFFF_FFF0u32.to_le_bytes());
    assert!(reason(&giant).contains("no data chunk"));
}

#[test]
fn samples_that_are_no_numbers_or_beyond_all_bounds_are_silent_unless_most_are() {
    let file = |values: [f32; 3]| {
        let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        riff(&[
            chunk(b"fmt ", &fmt(FLOAT, 1, 8000, 32)),
            chunk(b"data", &data),
        ])
    };
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e20, -1.1e10] {
        let (waveform, _) = decode(&file([0.5, bad, 0.25])).unwrap();
        assert_eq!(waveform.samples, [0.5, 0.0, 0.25]);
        let error = decode(&file([0.5, bad, bad])).unwrap_err();
        assert!(
            error.to_string().starts_with("clip.wav: sample 1 is")
                && error.to_string().ends_with("a number from -1e10 to 1e10"),
            "{error}"
        );
        assert!(matches!(error, Error::OutOfRange { index: 1, .. }));
    }
}

/// Returns samples that do not look like a chunk.
fn ramp(samples: i16) -> Vec<u8> {
    (0..samples)
        .flat_map(|n| (n * 97 - 9000).to_le_bytes())
        .collect()
}

#[test]
fn the_bytes_win_over_a_wrong_length() {
    let data = ramp(300);
    let expected = samples(fmt(PCM, 1, 8000, 16), &data);
    let file = riff(&[
        chunk(b"fmt ", &fmt(PCM, 1, 8000, 16)),
        chunk(b"data", &data),
    ]);
    let riff_length = u32::from_le_bytes([file[4], file[5], file[6], file[7]]);
    for riff_length in [riff_length, 0, 36, 77, u32::MAX] {
        for length in [0, 1, 33, 100, 599, 601, 5000, 0x7FFF_FFFE, 0xFFFF_FFF0] {
            let mut bytes = file.clone();
            bytes[4..8].copy_from_slice(&riff_length.to_le_bytes());
            bytes[40..44].copy_from_slice(&u32::to_le_bytes(length));
            let found = decode(&bytes).unwrap().0.samples;
            // A last frame of one byte does not count.
            let expected = &expected[..if length == 599 { 299 } else { 300 }];
            assert_eq!(found, expected, "RIFF {riff_length}, data {length}");
        }
    }
}

#[test]
fn fields_that_contradict_each_other_are_outvoted() {
    let data = ramp(40);
    let (mono, stereo) = (fmt(PCM, 1, 8000, 16), fmt(PCM, 2, 8000, 16));
    let with = |format: &[u8], change: &dyn Fn(&mut Vec<u8>)| {
        let mut format = format.to_vec();
        change(&mut format);
        samples(format, &data)
    };
    for (right, wrong) in [(&mono, &stereo), (&stereo, &mono)] {
        let expected = samples(right.clone(), &data);
        // Channels, bytes per second, bytes per frame: each alone.
        for field in [2..4, 8..12, 12..14] {
            let found = with(right, &|format| {
                format[field.clone()].copy_from_slice(&wrong[field.clone()]);
            });
            assert_eq!(found, expected, "{field:?}");
        }
        let found = with(right, &|format| format[8..14].fill(0));
        assert_eq!(found, expected);
    }
}

#[test]
fn chunks_that_are_not_padded_or_padded_too_much_lead_to_the_samples() {
    let format = chunk(b"fmt ", &fmt(PCM, 1, 8000, 16));
    let data = chunk(b"data", &ramp(40));
    let expected = samples(fmt(PCM, 1, 8000, 16), &ramp(40));
    let unpadded = b"LIST\x03\0\0\0abc".to_vec();
    let padded = b"LIST\x04\0\0\0abcd\0".to_vec();
    let short = b"LIST\x02\0\0\0abcdefgh".to_vec();
    let long = b"LIST\xFF\xFF\0\0abcdefgh".to_vec();
    let mut wrong = format.clone();
    wrong[4] = 18;
    for chunks in [
        [format.clone(), unpadded, data.clone()],
        [format.clone(), padded, data.clone()],
        [format.clone(), short, data.clone()],
        [format, long, data.clone()],
        [wrong, Vec::new(), data],
    ] {
        assert_eq!(decode(&riff(&chunks)).unwrap().0.samples, expected);
    }
}

#[test]
fn a_file_its_bytes_a_probe_and_a_stream_agree() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("long.wav");
    let short = folder.path().join("short.wav");
    let format = chunk(b"fmt ", &fmt(PCM, 2, 44_100, 16));
    std::fs::write(&long, riff(&[format.clone(), chunk(b"data", &[3; 4000])])).unwrap();
    std::fs::write(&short, riff(&[format, chunk(b"data", &[5; 40])])).unwrap();

    let mut waveform = Waveform::default();
    for path in [&long, &short, &long] {
        let info = decode_wav(&std::fs::read(path).unwrap(), path, &mut waveform).unwrap();
        let found = probe(path).unwrap();
        assert_eq!(info.frames, found.frames);
        assert_eq!(
            (info.sample_rate, info.channels),
            (found.sample_rate, found.channels)
        );
        assert_eq!(AudioStream::open(path).unwrap().frames(), Some(info.frames));
        assert_eq!(waveform, read(path).unwrap());
        assert_eq!(waveform.duration(), info.duration());
    }
    assert_eq!(waveform.samples.len(), 1000);

    let missing = folder.path().join("missing.wav");
    match read(&missing).unwrap_err() {
        Error::Io(ser_files::Error { path, source }) => {
            assert_eq!(path, missing);
            assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
        }
        error => panic!("{error:?}"),
    }
}
