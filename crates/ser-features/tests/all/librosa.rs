//! Compares every stage of the chain with librosa's arrays (`tests/reference`).

use ser_features::{
    Extra, FeatureConfig, FeatureExtractor, Features, MelFilterbank, Output, delta, mfcc,
    power_to_db, read_npy,
};

use crate::signals::{clip, reference};

const FULL: [u32; 2] = [16_000, 22_050];
const ALL: [u32; 3] = [16_000, 22_050, 48_000];

/// Returns librosa's array of that name, transposed to `[frames, coefficients]`.
fn expected(rate: u32, name: &str) -> Features {
    let array = read_npy(reference(rate, &format!("{name}.npy"))).unwrap();
    let (rows, frames) = (array.shape[0], array.shape[1]);
    let value = |i: usize| array.data[i % rows * frames + i / rows] as f32;
    Features::from_parts((0..rows * frames).map(value).collect(), frames, rows).unwrap()
}

fn config(rate: u32, output: Output) -> FeatureConfig {
    FeatureConfig {
        sample_rate: rate,
        output,
        ..FeatureConfig::default()
    }
}

fn extract(config: &FeatureConfig) -> Features {
    let extractor = FeatureExtractor::new(config).unwrap();
    extractor.extract(&clip(config.sample_rate)).unwrap()
}

/// Returns the largest absolute difference.
fn difference(ours: &Features, theirs: &Features) -> f32 {
    assert_eq!(ours.frames(), theirs.frames());
    assert_eq!(ours.coefficients(), theirs.coefficients());
    let pairs = ours.as_slice().iter().zip(theirs.as_slice());
    let differences = pairs.map(|(a, b)| (a - b).abs());
    // In this order NaN is the largest value, so no limit holds for it.
    differences.max_by(f32::total_cmp).unwrap()
}

/// Returns the largest difference relative to librosa's value. The error of a transform in single precision is
/// relative to the loudest bin of the frame, so differences 100 dB below that bin do not count.
fn relative_difference(ours: &Features, theirs: &Features) -> f32 {
    assert_eq!(ours.frames(), theirs.frames());
    let mut largest = 0f32;
    for frame in 0..ours.frames() {
        let (ours, theirs) = (ours.row(frame), theirs.row(frame));
        assert_eq!(ours.len(), theirs.len());
        let none = 1e-10 * theirs.iter().copied().fold(0.0, f32::max);
        for (a, b) in ours.iter().zip(theirs) {
            let difference = ((a - b).abs() - none) / b.max(none);
            assert!(!difference.is_nan(), "frame {frame}: {a}, not {b}");
            largest = largest.max(difference);
        }
    }
    largest
}

#[test]
fn power_spectrogram_agrees_to_1e_4() {
    for rate in FULL {
        let extractor = FeatureExtractor::new(&config(rate, Output::Mfcc)).unwrap();
        let ours = extractor.spectrogram(&clip(rate).samples).unwrap();
        let error = relative_difference(&ours, &expected(rate, "power_spectrogram"));
        assert!(error <= 1e-4, "{rate} Hz: {error}");
    }
}

#[test]
fn mel_filterbank_agrees_to_1e_4() {
    for rate in FULL {
        let bank = MelFilterbank::new(&config(rate, Output::Mel)).unwrap();
        let ours = bank.apply(&expected(rate, "power_spectrogram")).unwrap();
        let error = relative_difference(&ours, &expected(rate, "mel_power"));
        assert!(error <= 1e-4, "{rate} Hz: {error}");
    }
}

#[test]
fn mel_power_agrees_to_1e_4() {
    for rate in FULL {
        let ours = extract(&config(rate, Output::Mel));
        let error = relative_difference(&ours, &expected(rate, "mel_power"));
        assert!(error <= 1e-4, "{rate} Hz: {error}");
    }
}

#[test]
fn log_mel_agrees_to_a_thousandth_of_a_decibel() {
    for rate in FULL {
        let ours = extract(&config(rate, Output::LogMel));
        let error = difference(&ours, &expected(rate, "log_mel_db"));
        assert!(error <= 1e-3, "{rate} Hz: {error}");
    }
}

#[test]
fn mfcc_agree_to_2e_3() {
    for rate in ALL {
        let error = difference(
            &extract(&config(rate, Output::Mfcc)),
            &expected(rate, "mfcc"),
        );
        assert!(error <= 2e-3, "{rate} Hz: {error}");
    }
}

#[test]
fn deltas_agree_to_2e_3() {
    for rate in ALL {
        let ours = extract(&FeatureConfig {
            deltas: 2,
            ..config(rate, Output::Mfcc)
        });
        for (order, name) in ["mfcc", "delta", "delta2"].into_iter().enumerate() {
            let columns = (0..ours.frames()).flat_map(|frame| &ours.row(frame)[40 * order..][..40]);
            let part = Features::from_parts(columns.copied().collect(), ours.frames(), 40).unwrap();
            let error = difference(&part, &expected(rate, name));
            assert!(error <= 2e-3, "{rate} Hz: {name} {error}");
        }
    }
}

#[test]
fn extra_rows_agree_to_1e_4() {
    let extras = [
        Extra::Rms,
        Extra::ZeroCrossingRate,
        Extra::SpectralCentroid,
        Extra::SpectralRolloff,
        Extra::SpectralFlatness,
    ];
    for rate in ALL {
        let ours = extract(&FeatureConfig {
            extras: extras.to_vec(),
            ..config(rate, Output::Mfcc)
        });
        for (i, extra) in extras.into_iter().enumerate() {
            let theirs = expected(rate, extra.name());
            for frame in 0..ours.frames() {
                let (a, b) = (ours.row(frame)[40 + i], theirs.row(frame)[0]);
                let name = extra.name();
                assert!(
                    (a - b).abs() <= 1e-4 * b,
                    "{rate} Hz, {name} {frame}: {a}, not {b}"
                );
            }
        }
    }
}

/// Each stage called on its own, with the result of the stage before it, gives the same as the extractor.
#[test]
fn stages_chained_by_hand_give_what_the_extractor_gives() {
    let config = FeatureConfig {
        deltas: 1,
        lifter: 22.0,
        ..config(16_000, Output::Mfcc)
    };
    let whole = extract(&config);

    let extractor = FeatureExtractor::new(&config).unwrap();
    let power = extractor.spectrogram(&clip(16_000).samples).unwrap();
    let mut levels = MelFilterbank::new(&config).unwrap().apply(&power).unwrap();
    power_to_db(&config, &mut levels).unwrap();
    let cepstrum = mfcc(&config, &levels).unwrap();
    let slope = delta(&cepstrum, config.delta_width, 1).unwrap();
    for frame in 0..whole.frames() {
        let (first, second) = whole.row(frame).split_at(40);
        for (a, b) in first.iter().zip(cepstrum.row(frame)) {
            assert!((a - b).abs() < 1e-4, "MFCC {a}, not {b}");
        }
        for (a, b) in second.iter().zip(slope.row(frame)) {
            assert!((a - b).abs() < 1e-4, "delta {a}, not {b}");
        }
    }
}
