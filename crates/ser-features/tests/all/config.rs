//! Checks which values a configuration accepts and refuses, and what it computes.

use std::collections::HashSet;

use ser_audio::Waveform;
use ser_features::{Error, Extra, FeatureConfig, FeatureExtractor, MelScale, Output, Window, mfcc};

fn parse(text: &str) -> FeatureConfig {
    toml::from_str(text).unwrap()
}

#[test]
fn an_empty_file_is_the_default_and_the_default_is_valid() {
    assert_eq!(parse(""), FeatureConfig::default());
    FeatureConfig::default().validate().unwrap();
}

#[test]
fn every_key_of_a_file_arrives() {
    let config = parse(
        r#"
        sample_rate = 16000
        semitones = -1.5
        trim_db = 30
        pre_emphasis = 0.97
        n_fft = 512
        win_length = 400
        hop_length = 160
        window = "hamming"
        center = false
        pad_mode = "reflect"
        power = 1
        n_mels = 40
        mel_scale = "htk"
        mel_norm = "none"
        fmin = 20
        fmax = 7600.5
        output = "log_mel"
        ref = 2
        amin = 1e-6
        top_db = false
        n_mfcc = 13
        lifter = 22
        deltas = 2
        delta_width = 5
        extras = ["rms", "zero_crossing_rate", "f0"]
        "#,
    );
    config.validate().unwrap();
    assert_eq!(config.semitones, -1.5);
    assert_eq!(config.window, Window::Hamming);
    assert_eq!(config.mel_scale, MelScale::Htk);
    assert_eq!((config.fmin, config.fmax()), (20.0, 7600.5));
    assert_eq!((config.reference, config.top_db), (2.0, None));
    assert_eq!(
        config.extras,
        [Extra::Rms, Extra::ZeroCrossingRate, Extra::F0]
    );
    assert_eq!(config.coefficients(), 3 * 40 + 3);
}

#[test]
fn a_configuration_survives_its_file() {
    for config in [
        FeatureConfig::default(),
        FeatureConfig {
            top_db: None,
            fmax: Some(8000.0),
            semitones: 2.0,
            pre_emphasis: Some(0.97),
            extras: vec![Extra::SpectralFlatness],
            ..FeatureConfig::default()
        },
    ] {
        let text = toml::to_string(&config).unwrap();
        assert_eq!(text.contains("semitones"), config.semitones != 0.0);
        assert_eq!(parse(&text), config, "{text}");
    }
}

#[test]
fn a_misspelt_key_or_value_is_refused_by_name() {
    for (text, named) in [
        ("hop_size = 256", "hop_size"),
        ("window = \"hanning\"", "hanning"),
        ("top_db = true", "number or false"),
        ("top_db = \"off\"", "number or false"),
    ] {
        let error = toml::from_str::<FeatureConfig>(text).unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn a_value_out_of_range_is_refused_with_its_key() {
    for (text, expected) in [
        ("sample_rate = 0", "sample_rate"),
        ("sample_rate = 4000000", "sample_rate"),
        ("semitones = 12.5", "semitones"),
        ("semitones = nan", "semitones"),
        ("trim_db = 0", "trim_db"),
        ("pre_emphasis = 1.5", "pre_emphasis"),
        ("n_fft = 1", "n_fft"),
        ("n_fft = 1000000000", "n_fft"),
        ("win_length = 0", "win_length"),
        ("win_length = 2049", "win_length"),
        ("hop_length = 0", "hop_length"),
        ("hop_length = 9000000000000000000", "hop_length"),
        ("power = 3", "power"),
        ("n_mels = 0", "n_mels"),
        ("n_mels = 1000000000", "n_mels"),
        ("fmin = -1", "fmin"),
        ("fmin = 12000", "fmin"),
        ("fmin = nan", "fmin"),
        ("fmax = 11026", "fmax"),
        ("fmax = 0", "fmax"),
        ("ref = 0", "ref"),
        ("amin = 0", "amin"),
        ("amin = 1e-40", "amin"),
        ("amin = inf", "amin"),
        ("top_db = -1", "top_db"),
        ("n_mfcc = 0", "n_mfcc"),
        ("n_mfcc = 129", "n_mfcc"),
        ("lifter = -1", "lifter"),
        ("lifter = 1e300", "lifter"),
        ("lifter = 1e-310", "lifter"),
        ("deltas = 3", "deltas"),
        ("delta_width = 8", "delta_width"),
        ("delta_width = 1", "delta_width"),
        ("delta_width = 9000000000000000001", "delta_width"),
        ("extras = [\"rms\", \"rms\"]", "extras"),
        ("sample_rate = 1000\nextras = [\"f0\"]", "extras"),
        ("sample_rate = 7999\nextras = [\"formants\"]", "extras"),
        ("sample_rate = 7999\nextras = [\"harmonics\"]", "extras"),
        ("win_length = 800\nextras = [\"harmonics\"]", "win_length"),
    ] {
        match parse(text).validate() {
            Err(Error::Config { key, .. }) => assert_eq!(key, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn fewer_bands_than_coefficients_matter_only_where_there_are_coefficients() {
    assert!(parse("n_mels = 20").validate().is_err());
    assert!(parse("n_mels = 20\noutput = \"mel\"").validate().is_ok());
}

#[test]
fn coefficients_that_nobody_asked_for_take_no_memory() {
    for output in ["mel", "log_mel"] {
        let config = parse(&format!("output = \"{output}\"\nn_mfcc = 1000000000000"));
        FeatureExtractor::new(&config).unwrap();
    }
}

#[test]
fn a_cepstrum_of_an_impossible_width_is_refused() {
    for n_mfcc in [0, 129, 1_000_000_000_000_usize] {
        let config = parse(&format!("output = \"log_mel\"\nn_mfcc = {n_mfcc}"));
        let samples = vec![0.1; 4096];
        let levels = FeatureExtractor::new(&config)
            .unwrap()
            .extract(&Waveform::new(samples, config.sample_rate))
            .unwrap();
        match mfcc(&config, &levels) {
            Err(Error::Config { key, .. }) => assert_eq!(key, "n_mfcc"),
            other => panic!("{n_mfcc}: {other:?}"),
        }
    }
}

#[test]
fn functionals_refuse_what_they_cannot_sum_up() {
    let base = "output = \"functionals\"\n";
    for text in ["", "extras = [\"f0\"]", "n_mels = 24\nn_mfcc = 13"] {
        parse(&format!("{base}{text}")).validate().unwrap();
    }
    for (text, expected) in [
        ("deltas = 1", "deltas"),
        ("extras = [\"rms\"]", "extras"),
        ("extras = [\"f0\", \"rms\"]", "extras"),
        ("extras = [\"formants\", \"f0\"]", "extras"),
        ("n_mels = 23\nn_mfcc = 13", "n_mels"),
        ("n_mfcc = 12", "n_mfcc"),
        ("n_mels = 24\nn_mfcc = 25", "n_mfcc"),
        ("fmin = 1000", "fmin"),
        ("fmax = 2000", "fmax"),
        ("sample_rate = 10000", "fmax"),
    ] {
        match parse(&format!("{base}{text}")).validate() {
            Err(Error::Config { key, .. }) => assert_eq!(key, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

/// The expected counts are `librosa.feature.mfcc(y=np.zeros(n), …).shape[1]` of librosa 0.11.
#[test]
fn frames_are_counted_as_librosa_does() {
    let count = |n_fft, center, samples| {
        let config = FeatureConfig {
            n_fft,
            center,
            ..FeatureConfig::default()
        };
        config.frames(samples)
    };
    assert_eq!(count(2048, true, 22_050), 44);
    assert_eq!(count(2048, true, 1), 1);
    assert_eq!(count(2048, true, 511), 1);
    assert_eq!(count(2048, true, 512), 2);
    assert_eq!(count(2047, true, 512), 1);
    assert_eq!(count(2047, true, 513), 2);
    assert_eq!(count(2048, false, 22_050), 40);
    assert_eq!(count(2048, false, 2048), 1);
    assert_eq!(count(2048, false, 2047), 0);
    assert_eq!(count(2048, true, 0), 0);
}

#[test]
fn names_stand_in_the_order_of_the_values() {
    let config = FeatureConfig {
        n_mfcc: 2,
        deltas: 2,
        extras: vec![Extra::F0, Extra::Rms],
        ..FeatureConfig::default()
    };
    let names = config.coefficient_names();
    assert_eq!(
        names,
        [
            "mfcc_0",
            "mfcc_1",
            "mfcc_0_delta",
            "mfcc_1_delta",
            "mfcc_0_delta2",
            "mfcc_1_delta2",
            "f0",
            "rms",
        ]
    );
    assert_eq!(names.len(), config.coefficients());
    let config = FeatureConfig {
        output: Output::LogMel,
        ..FeatureConfig::default()
    };
    assert_eq!(config.coefficient_names()[127], "log_mel_127");
}

#[test]
fn every_key_changes_the_fingerprint() {
    let changes = [
        "",
        "sample_rate = 16000",
        "semitones = 1",
        "trim_db = 30",
        "pre_emphasis = 0.97",
        "n_fft = 512",
        "win_length = 400",
        "hop_length = 160",
        "window = \"hamming\"",
        "center = false",
        "pad_mode = \"reflect\"",
        "power = 1",
        "n_mels = 40",
        "mel_scale = \"htk\"",
        "mel_norm = \"none\"",
        "fmin = 20",
        "fmax = 7600",
        "output = \"log_mel\"",
        "output = \"functionals\"",
        "ref = 2",
        "amin = 1e-6",
        "top_db = false",
        "n_mfcc = 13",
        "relative_level = false",
        "lifter = 22",
        "deltas = 2",
        "delta_width = 5",
        "extras = [\"rms\"]",
    ];
    let fingerprints: HashSet<String> = changes.map(|text| parse(text).fingerprint()).into();
    assert_eq!(fingerprints.len(), changes.len());
}

/// Stores find features by the fingerprint: it may change only together with the features or the version.
#[test]
fn the_fingerprint_of_the_default_is_the_same_in_every_build() {
    assert_eq!(
        FeatureConfig::default().fingerprint(),
        "d64bdab4eee8d096e45d3ff6de6b4ea4"
    );
}
