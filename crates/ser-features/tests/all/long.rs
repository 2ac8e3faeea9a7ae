//! Checks that recordings too long for one segment of the chain give the same features as in one piece.

use ser_features::{
    Extra, FeatureConfig, FeatureExtractor, FeatureStore, Features, MelFilterbank, Output, PadMode,
    delta, mfcc, power_to_db,
};

use crate::signals::{extract, noise, write_wav};

/// More than three segments of 4096 frames each.
const FRAMES: usize = 13_000;

fn config() -> FeatureConfig {
    FeatureConfig {
        sample_rate: 16_000,
        n_fft: 64,
        hop_length: 16,
        n_mels: 20,
        n_mfcc: 13,
        ..FeatureConfig::default()
    }
}

/// Returns a tone in noise, quiet at first and loudest in the third segment, so that a later segment sets the
/// floor of the first ones. It is silent at both ends.
fn signal(length: usize) -> Vec<f32> {
    noise(length, 7)
        .enumerate()
        .map(|(n, noise)| {
            let t = n as f32 / length as f32;
            let envelope = match t {
                t if !(0.1..0.95).contains(&t) => 0.0,
                t if (0.6..0.7).contains(&t) => 0.9,
                t if t < 0.4 => 1e-4,
                _ => 0.05,
            };
            envelope * (0.1 * noise + 0.8 * (0.3 * n as f32).sin())
        })
        .collect()
}

/// Returns a block of columns of the features.
fn columns(features: &Features, columns: std::ops::Range<usize>) -> Vec<f32> {
    (0..features.frames())
        .flat_map(|frame| features.row(frame)[columns.clone()].to_vec())
        .collect()
}

/// The reference is each stage on its own, over the whole signal.
#[test]
fn segments_give_what_the_whole_signal_gives() {
    for (pad_mode, center) in [
        (PadMode::Constant, true),
        (PadMode::Reflect, true),
        (PadMode::Edge, false),
    ] {
        // Lengths that end exactly at a segment, one frame after it, and one sample after it.
        for length in [16 * FRAMES, 16 * 8192 - 16, 16 * 8192, 16 * 8192 + 1] {
            let config = FeatureConfig {
                pad_mode,
                center,
                deltas: 2,
                ..config()
            };
            let samples = signal(length);
            let power = FeatureExtractor::new(&config)
                .unwrap()
                .spectrogram(&samples)
                .unwrap();
            let mut levels = MelFilterbank::new(&config).unwrap().apply(&power).unwrap();
            power_to_db(&config, &mut levels).unwrap();
            let base = mfcc(&config, &levels).unwrap();

            let ours = extract(&config, &samples);
            let case = format!("{pad_mode:?} {length}");
            assert!(ours.frames() > 8000, "{case}");
            assert!(columns(&ours, 0..13) == base.as_slice(), "{case}");
            for order in [1, 2] {
                let expected = delta(&base, config.delta_width, order).unwrap();
                let range = 13 * usize::from(order)..13 * usize::from(order + 1);
                assert!(
                    columns(&ours, range) == expected.as_slice(),
                    "{case} {order}"
                );
            }
        }
    }
}

#[test]
fn extra_rows_and_pre_emphasis_do_not_notice_the_cut() {
    let config = FeatureConfig {
        output: Output::Mel,
        pre_emphasis: Some(0.97),
        extras: vec![
            Extra::Rms,
            Extra::ZeroCrossingRate,
            Extra::SpectralCentroid,
            Extra::F0,
            Extra::Aperiodicity,
            Extra::Formants,
        ],
        ..config()
    };
    let samples = signal(16 * FRAMES);
    let whole = extract(&config, &samples);
    // A short signal around the first boundary; 200 frames from its ends, its ends have no effect.
    let around = extract(&config, &samples[16 * 3000..16 * 5000]);
    for frame in 200..1800 {
        assert!(
            whole.row(3000 + frame) == around.row(frame),
            "frame {frame}"
        );
    }
}

#[test]
fn a_long_file_gives_what_its_samples_give() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    write_wav(&path, &signal(24 * FRAMES), 24_000);
    let read = ser_audio::read(&path).unwrap();
    for (trim_db, semitones) in [(None, 0.0), (Some(30.0), 0.0), (None, -2.5)] {
        let config = FeatureConfig {
            trim_db,
            semitones,
            ..config()
        };
        let extractor = FeatureExtractor::new(&config).unwrap();
        let expected = extractor.extract(&read).unwrap();
        assert!(expected.frames() > 4096);
        assert!(extractor.extract_file(&path).unwrap() == expected);

        let mut pieces = Vec::new();
        extractor
            .extract_file_in_pieces(&path, |first, rows| {
                assert_eq!(first * config.coefficients(), pieces.len());
                pieces.extend_from_slice(rows);
                Ok(())
            })
            .unwrap();
        assert!(pieces == expected.as_slice());
    }
}

/// A file above 16 MiB, which the store does not read into memory.
#[test]
fn the_store_knows_a_long_file_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (
        folder.path().join("long.wav"),
        folder.path().join("copy.wav"),
    );
    write_wav(&path, &signal(9_000_000), 16_000);
    std::fs::copy(&path, &copy).unwrap();
    let config = FeatureConfig {
        hop_length: 512,
        ..config()
    };
    let extractor = FeatureExtractor::new(&config).unwrap();
    let store = FeatureStore::open(folder.path().join("store"), &extractor).unwrap();
    let expected = extractor.extract_file(&path).unwrap();
    for (path, hits) in [(&path, 0), (&path, 1), (&copy, 1)] {
        let counts = store
            .extract(&[path], |_, features| {
                assert!(features.unwrap() == expected)
            })
            .unwrap();
        assert_eq!((counts.hits, counts.failed), (hits, 0));
    }
}

#[test]
fn a_file_that_shrinks_before_it_is_read_again_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shrinking.wav");
    write_wav(&path, &vec![0.0; 8 << 20], 22_050);
    let extractor = FeatureExtractor::new(&FeatureConfig::default()).unwrap();
    let mut pieces = 0;
    let result = extractor.extract_file_in_pieces(&path, |_, _| {
        pieces += 1;
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_len(1 << 20).unwrap();
        Ok(())
    });
    let said = result.unwrap_err().to_string();
    assert!(said.contains("the length measured first"), "{said}");
    assert!(pieces > 0);
}
