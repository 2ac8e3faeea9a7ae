//! Tests the extractor as a whole: files, stages before the frames, errors, reuse and threads.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ser_audio::{SAMPLE_RANGE, Waveform};
use ser_features::{
    Error, Extra, FeatureConfig, FeatureExtractor, Features, MelFilterbank, Output, PadMode,
    extract_files, trim,
};

use crate::signals::{clip, extract, noise, reference, try_extract};

fn extractor(config: FeatureConfig) -> FeatureExtractor {
    FeatureExtractor::new(&config).unwrap()
}

fn tone(hz: f32, rate: u32, length: usize) -> Vec<f32> {
    let step = std::f32::consts::TAU * hz / rate as f32;
    (0..length).map(|n| 0.5 * (step * n as f32).sin()).collect()
}

#[test]
fn a_file_gives_what_its_samples_give() {
    let extractor = extractor(FeatureConfig::default());
    let from_file = extractor
        .extract_file(&reference(22_050, "clip.wav"))
        .unwrap();
    let waveform = clip(22_050);
    assert_eq!(from_file, extractor.extract(&waveform).unwrap());
    assert_eq!(from_file.frames(), 24);
}

#[test]
fn a_file_of_another_rate_is_resampled_first() {
    let extractor = extractor(FeatureConfig::default());
    let by_hand = clip(48_000).resample(22_050).unwrap();
    let from_file = extractor
        .extract_file(&reference(48_000, "clip.wav"))
        .unwrap();
    assert_eq!(from_file, extractor.extract(&by_hand).unwrap());
}

/// An octave up is twice the frequency in half the time, for a file and for a waveform.
#[test]
fn twelve_semitones_double_the_frequency_and_halve_the_frames() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a4.wav");
    let a4 = Waveform::new(tone(440.0, 22_050, 44_100), 22_050);
    ser_fixtures::write_wav_f32(&path, a4.sample_rate, a4.samples.iter().copied());

    let levels = |semitones| {
        let config = FeatureConfig {
            semitones,
            output: Output::LogMel,
            ..FeatureConfig::default()
        };
        let extractor = extractor(config);
        let features = extractor.extract(&a4).unwrap();
        assert_eq!(extractor.extract_file(&path).unwrap(), features);
        features
    };
    let loudest_band = |row: &[f32]| (0..128).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();

    let config = FeatureConfig {
        output: Output::LogMel,
        ..FeatureConfig::default()
    };
    let a5 = extract(&config, &tone(880.0, 22_050, 22_050));
    let (as_played, up) = (levels(0.0), levels(12.0));
    assert_eq!((as_played.frames(), up.frames()), (87, 44));
    assert_ne!(loudest_band(as_played.row(40)), loudest_band(up.row(20)));
    assert_eq!(loudest_band(up.row(20)), loudest_band(a5.row(20)));
}

/// Samples without a rate of their own already have the configured rate.
#[test]
fn semitones_leave_bare_samples_alone() {
    let config = FeatureConfig {
        semitones: 3.0,
        ..FeatureConfig::default()
    };
    let samples = tone(440.0, 22_050, 9000);
    let (moved, plain) = (
        extractor(config.clone()),
        extractor(FeatureConfig::default()),
    );
    assert_eq!(
        moved.spectrogram(&samples).unwrap(),
        plain.spectrogram(&samples).unwrap()
    );
    assert_eq!(
        extract(&config, &samples),
        extract(&FeatureConfig::default(), &samples)
    );
}

#[test]
fn an_error_names_the_file_and_what_it_lacks() {
    let missing = Path::new("no/such/clip.wav");
    let error = extractor(FeatureConfig::default())
        .extract_file(missing)
        .unwrap_err();
    assert!(
        matches!(&error, Error::Audio(ser_audio::Error::Io(file)) if file.path == Path::new(missing))
    );

    let wide = FeatureConfig {
        deltas: 1,
        delta_width: 25,
        ..FeatureConfig::default()
    };
    let error = extractor(wide)
        .extract_file(&reference(22_050, "clip.wav"))
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("clip.wav") && text.contains("25 frames, found 24"),
        "{text}"
    );
}

#[test]
fn no_samples_and_too_few_are_errors() {
    let uncentred = FeatureConfig {
        center: false,
        ..FeatureConfig::default()
    };
    assert!(matches!(try_extract(&uncentred, &[]), Err(Error::Empty)));
    assert!(matches!(
        try_extract(&uncentred, &[0.0; 2047]),
        Err(Error::TooShort {
            expected: 2048,
            actual: 2047,
            ..
        })
    ));
    assert_eq!(extract(&FeatureConfig::default(), &[0.5]).frames(), 1);
}

/// The extractor requests only the samples that a frame needs; the stages by hand have the whole signal.
#[test]
fn a_single_frame_is_padded_as_any_other() {
    let signal: Vec<f32> = noise(1500, 1).collect();
    for pad_mode in [PadMode::Constant, PadMode::Reflect, PadMode::Edge] {
        let config = FeatureConfig {
            hop_length: 2048,
            pad_mode,
            output: Output::Mel,
            ..FeatureConfig::default()
        };
        let power = extractor(config.clone()).spectrogram(&signal).unwrap();
        let expected = MelFilterbank::new(&config).unwrap().apply(&power).unwrap();
        let found = extract(&config, &signal);
        assert_eq!(found.frames(), 1);
        for (a, b) in found.row(0).iter().zip(expected.row(0)) {
            assert!((a - b).abs() <= 1e-4 * b, "{pad_mode:?}: {a}, not {b}");
        }
    }
}

#[test]
fn silence_has_features_too() {
    let config = FeatureConfig {
        extras: Extra::ALL.to_vec(),
        ..FeatureConfig::default()
    };
    let silence = extract(&config, &[0.0; 8000]);
    for frame in 0..silence.frames() {
        let row = silence.row(frame);
        // −100 dB, from `amin`, in each of 128 bands.
        assert!((row[0] + 100.0 * 128f32.sqrt()).abs() < 1e-2, "{}", row[0]);
        assert!(row[1..40].iter().all(|c| c.abs() < 1e-2));
        assert_eq!(row[40..47], [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(row[47..], [0.0; 8 + 6]);
    }
}

/// Two frames share a transform, whose rounding is relative to the louder one.
#[test]
fn a_quiet_frame_beside_a_loud_one_is_as_exact_as_alone() {
    let config = FeatureConfig {
        n_fft: 512,
        hop_length: 512,
        center: false,
        ..FeatureConfig::default()
    };
    let extractor = extractor(config);
    let loud = tone(3000.0, 22_050, 512);
    for scale in [1e-3, 1e-8, 0.0] {
        let quiet: Vec<f32> = tone(440.0, 22_050, 512).iter().map(|x| x * scale).collect();
        let alone = extractor.spectrogram(&quiet).unwrap();
        let loudest = alone.as_slice().iter().copied().fold(0.0, f32::max);
        for (signal, frame) in [
            ([quiet.as_slice(), &loud].concat(), 0),
            ([loud.as_slice(), &quiet].concat(), 1),
        ] {
            let pair = extractor.spectrogram(&signal).unwrap();
            for (a, b) in pair.row(frame).iter().zip(alone.row(0)) {
                assert!(
                    (a - b).abs() <= 1e-4 * b + 1e-10 * loudest,
                    "{scale}: {a}, not {b}"
                );
            }
        }
    }
}

#[test]
fn bands_between_two_bins_have_no_energy() {
    let config = FeatureConfig {
        n_mels: 1,
        n_mfcc: 1,
        fmin: 101.0,
        fmax: Some(102.0),
        ..FeatureConfig::default()
    };
    let level = extract(&config, &tone(101.5, 22_050, 5000));
    assert!((level.row(0)[0] + 100.0).abs() < 1e-3);
}

#[test]
fn top_db_lifts_what_is_quieter_and_false_lifts_nothing() {
    let signal = [tone(440.0, 22_050, 8192), vec![0.0; 8192]].concat();
    let range = |top_db| {
        let config = FeatureConfig {
            output: Output::LogMel,
            top_db,
            ..FeatureConfig::default()
        };
        let levels = extract(&config, &signal);
        let values = || levels.as_slice().iter().copied();
        values().fold(f32::MIN, f32::max) - values().fold(f32::MAX, f32::min)
    };
    assert_eq!(range(Some(30.0)), 30.0);
    assert!(range(None) > 100.0);
}

#[test]
fn the_largest_samples_have_finite_features_and_are_trimmed_as_others() {
    let config = || FeatureConfig {
        trim_db: Some(40.0),
        extras: vec![Extra::Rms, Extra::SpectralCentroid],
        ..FeatureConfig::default()
    };
    let loud = [vec![0.0; 9000], vec![*SAMPLE_RANGE.end(); 9000]].concat();
    let quiet: Vec<f32> = loud.iter().map(|sample| sample * 1e-10).collect();
    let found = extract(&config(), &loud);
    assert!(found.as_slice().iter().all(|value| value.is_finite()));
    assert_eq!(found.frames(), extract(&config(), &quiet).frames());
}

#[test]
fn trimming_comes_first() {
    let silence = vec![0.0; 9000];
    let signal = [silence.clone(), tone(440.0, 22_050, 9000), silence].concat();
    let config = FeatureConfig {
        trim_db: Some(40.0),
        ..FeatureConfig::default()
    };
    let by_hand = &signal[trim(&signal, 40.0, 2048, 512)];
    assert!(by_hand.len() < 15_000);
    assert_eq!(
        extract(&config, &signal),
        extract(&FeatureConfig::default(), by_hand)
    );
}

/// With librosa's `amin`, a signal this quiet is silence throughout and is kept whole.
#[test]
fn a_quiet_signal_is_trimmed_as_a_loud_one_where_amin_lets_it() {
    let faint = vec![0.0; 9000];
    let loud = [faint.clone(), tone(440.0, 22_050, 9000), faint].concat();
    let quiet: Vec<f32> = loud.iter().map(|sample| sample * 2e-5).collect();
    let frames = |amin, signal| {
        let config = FeatureConfig {
            trim_db: Some(40.0),
            amin,
            ..FeatureConfig::default()
        };
        extract(&config, signal).frames()
    };
    assert_eq!(frames(1e-20, &quiet), frames(1e-20, &loud));
    assert!(frames(1e-10, &quiet) > frames(1e-10, &loud));
}

/// `librosa.effects.preemphasis` adds `2·x[0] − x[1]` to its first value.
#[test]
fn pre_emphasis_is_librosas() {
    let signal = tone(440.0, 22_050, 9000);
    let mut by_hand = vec![3.0 * signal[0] - signal[1]];
    by_hand.extend(signal.windows(2).map(|pair| pair[1] - 0.97 * pair[0]));
    let config = FeatureConfig {
        pre_emphasis: Some(0.97),
        ..FeatureConfig::default()
    };
    assert_eq!(
        extract(&config, &signal),
        extract(&FeatureConfig::default(), &by_hand)
    );
}

#[test]
fn f0_of_a_tone_is_its_frequency_wherever_frames_start() {
    for (rate, center) in [(16_000, true), (16_000, false), (48_000, true)] {
        let config = FeatureConfig {
            sample_rate: rate,
            center,
            extras: vec![Extra::F0],
            ..FeatureConfig::default()
        };
        let found = extract(&config, &tone(220.0, rate, rate as usize));
        let middle = found.row(found.frames() / 2)[40];
        assert!((middle - 220.0).abs() < 1.0, "{rate} Hz: {middle}");
    }
}

#[test]
fn buffers_keep_nothing_of_the_signal_before() {
    let config = FeatureConfig {
        deltas: 2,
        extras: vec![Extra::SpectralCentroid],
        ..FeatureConfig::default()
    };
    let extractor = extractor(config.clone());
    let mut scratch = extractor.scratch();
    let mut reused = Features::default();
    let loud = tone(3000.0, 22_050, 50_000);
    let quiet: Vec<f32> = tone(200.0, 22_050, 5000).iter().map(|x| x * 1e-3).collect();
    for signal in [&loud, &quiet, &loud] {
        extractor
            .extract_into(signal, &mut scratch, &mut reused)
            .unwrap();
        assert_eq!(reused, extract(&config, signal));
    }
}

#[test]
fn many_files_give_what_each_gives_and_a_bad_one_stops_none() {
    let extractor = extractor(FeatureConfig::default());
    let mut paths: Vec<PathBuf> = (0..20)
        .map(|i| reference([16_000, 22_050, 48_000][i % 3], "clip.wav"))
        .collect();
    paths[7] = PathBuf::from("no/such/clip.wav");
    let results = Mutex::new(vec![None; paths.len()]);
    extract_files(&extractor, &paths, |index, result| {
        let before = results.lock().unwrap()[index].replace(result.ok());
        assert!(before.is_none(), "file {index} came twice");
    });
    for (index, result) in results.into_inner().unwrap().into_iter().enumerate() {
        let result = result.expect("every file comes");
        assert_eq!(result, extractor.extract_file(&paths[index]).ok());
        assert_eq!(result.is_none(), index == 7);
    }
}

#[test]
fn features_hold_as_many_values_as_their_shape_says() {
    let features = Features::from_parts(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3, 2).unwrap();
    assert_eq!(features.row(1), [3.0, 4.0]);
    assert!(matches!(
        Features::from_parts(vec![0.0; 5], 3, 2),
        Err(Error::Shape { .. })
    ));
    assert!(Features::from_parts(Vec::new(), usize::MAX, 2).is_err());
}
