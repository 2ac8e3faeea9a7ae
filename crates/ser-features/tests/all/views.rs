//! Checks that several kinds of features of one sound equal those of separate extractors.

use ser_audio::Waveform;
use ser_features::{Error, Extra, FeatureConfig, FeatureExtractor, Output, Views};
use ser_fixtures::voice;

fn sound(rate: u32, seconds: f64) -> Waveform {
    Waveform::new(voice(rate, seconds, 140.0), rate)
}

fn configs() -> Vec<FeatureConfig> {
    let levels = FeatureConfig {
        sample_rate: 16_000,
        output: Output::LogMel,
        n_fft: 512,
        hop_length: 160,
        n_mels: 40,
        ..FeatureConfig::default()
    };
    let low = FeatureConfig {
        sample_rate: 8000,
        ..levels.clone()
    };
    let voice = FeatureConfig {
        sample_rate: 16_000,
        output: Output::Functionals,
        extras: vec![Extra::F0, Extra::Harmonics, Extra::Formants],
        ..FeatureConfig::default()
    };
    let mut configs = vec![voice];
    for semitones in [0.0, -1.0, 1.0] {
        configs.extend([levels.faster(semitones), low.faster(semitones)]);
    }
    configs
}

#[test]
fn features_are_those_of_each_extractor_whatever_came_before() {
    let configs = configs();
    let views = Views::new(&configs).unwrap();
    assert!(views.configs().eq(&configs));
    // Other rates, one of which needs no resampling for some views, and shorter sounds after longer ones.
    for (rate, seconds) in [(48_000, 1.5), (16_000, 0.7), (48_000, 0.5), (44_100, 1.0)] {
        let sound = sound(rate, seconds);
        let all = views.extract(&sound).unwrap();
        assert_eq!(all.len(), configs.len());
        for (config, features) in configs.iter().zip(all) {
            let alone = FeatureExtractor::new(config).unwrap();
            let alone = alone.extract(&sound).unwrap();
            assert_eq!(
                (features.frames(), features.coefficients()),
                (alone.frames(), alone.coefficients())
            );
            for (a, b) in features.as_slice().iter().zip(alone.as_slice()) {
                let tolerance = 2e-3 * b.abs().max(1.0);
                assert!((a - b).abs() < tolerance, "{rate} Hz: {a}, not {b}");
            }
        }
    }
}

#[test]
fn threads_extract_at_the_same_time() {
    let views = Views::new(&configs()[1..3]).unwrap();
    let sound = sound(48_000, 0.5);
    let expected = views.extract(&sound).unwrap();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| views.extract(&sound).unwrap()))
            .collect();
        for thread in threads {
            assert!(thread.join().unwrap() == expected);
        }
    });
}

#[test]
fn no_views_and_no_samples() {
    let none = Views::new([]).unwrap();
    assert!(none.extract(&sound(48_000, 0.1)).unwrap().is_empty());
    let views = Views::new(&configs()).unwrap();
    let silence = Waveform::new(Vec::new(), 48_000);
    assert!(matches!(views.extract(&silence), Err(Error::Empty)));
    let no_rate = Waveform::new(vec![0.0; 100], 0);
    assert!(matches!(
        views.extract(&no_rate),
        Err(Error::Audio(ser_audio::Error::Resample { .. }))
    ));
}
