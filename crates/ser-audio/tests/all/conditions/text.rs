//! Tests the text form of conditions, and what is refused.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use ser_audio::Waveform;
use ser_audio::conditions::{Condition, Error, Room};

#[test]
fn every_condition_is_read_from_its_documented_form() {
    for (text, expected) in [
        ("clean", Condition::Clean),
        ("gain -20", Condition::Gain { db: -20.0 }),
        ("gain +6.5", Condition::Gain { db: 6.5 }),
        ("peak", Condition::Peak),
        ("lowpass-8k", Condition::Lowpass8k),
        ("telephone", Condition::Telephone),
        ("quantise 10", Condition::Quantise { bits: 10 }),
        ("noise-white 20", Condition::NoiseWhite { snr_db: 20.0 }),
        (
            "  noise-babble   0 ",
            Condition::NoiseBabble { snr_db: 0.0 },
        ),
        ("room small", Condition::Room(Room::Small)),
        ("room large", Condition::Room(Room::Large)),
        ("speed -10", Condition::Speed { percent: -10.0 }),
        (
            "silence 0.5 2",
            Condition::Silence {
                lead: 0.5,
                trail: 2.0,
            },
        ),
        ("cut 1", Condition::Cut { seconds: 1.0 }),
    ] {
        assert_eq!(text.parse::<Condition>().unwrap(), expected, "{text}");
    }
}

#[test]
fn a_file_holds_conditions_as_text() {
    let written: BTreeMap<&str, Vec<Condition>> =
        [("conditions", Condition::STANDARD.to_vec())].into();
    let text = toml::to_string(&written).unwrap();
    assert!(text.contains("\"noise-white 20\""), "{text}");
    let read: BTreeMap<String, Vec<Condition>> = toml::from_str(&text).unwrap();
    assert_eq!(read["conditions"], Condition::STANDARD);
    let error =
        toml::from_str::<BTreeMap<String, Condition>>("a = \"noise-white loud\"").unwrap_err();
    assert!(error.to_string().contains("noise-white SNR"), "{error}");
}

#[test]
fn the_standard_conditions_have_distinct_names() {
    let names: BTreeSet<String> = Condition::STANDARD.iter().map(|c| c.to_string()).collect();
    assert_eq!(names.len(), Condition::STANDARD.len());
    for condition in Condition::STANDARD {
        assert_eq!(
            condition.to_string().parse::<Condition>().unwrap(),
            condition
        );
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_names_there_are() {
    for text in ["", "wind", "Gain 3", "noise 20"] {
        match text.parse::<Condition>() {
            Err(Error::UnknownCondition { name, known }) => {
                assert_eq!(name, text.split(' ').next().unwrap());
                for condition in Condition::STANDARD {
                    let text = condition.to_string();
                    assert!(known.contains(&text.split(' ').next().unwrap()), "{text}");
                }
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn wrong_parameters_name_the_condition_its_form_and_what_was_given() {
    for (text, name) in [
        ("clean 1", "clean"),
        ("gain", "gain"),
        ("gain loud", "gain"),
        ("gain 10 20", "gain"),
        ("gain 121", "gain"),
        ("gain NaN", "gain"),
        ("gain -inf", "gain"),
        ("peak 1", "peak"),
        ("lowpass-8k 8", "lowpass-8k"),
        ("telephone mobile", "telephone"),
        ("quantise 0", "quantise"),
        ("quantise 25", "quantise"),
        ("quantise 10.5", "quantise"),
        ("quantise -3", "quantise"),
        ("noise-white 1e9", "noise-white"),
        ("noise-babble", "noise-babble"),
        ("room", "room"),
        ("room huge", "room"),
        ("speed -51", "speed"),
        ("speed 101", "speed"),
        ("silence 1", "silence"),
        ("silence -1 1", "silence"),
        ("silence 1 61", "silence"),
        ("cut 0", "cut"),
        ("cut 3601", "cut"),
    ] {
        let error = text.parse::<Condition>().unwrap_err();
        match &error {
            Error::Parameter {
                condition, actual, ..
            } => {
                assert_eq!(*condition, name, "{text}");
                assert_eq!(actual, text);
            }
            other => panic!("{text}: {other:?}"),
        }
        assert!(error.to_string().contains("expected"), "{error}");
    }
}

/// A condition may be created without a text.
#[test]
fn parameters_are_checked_when_a_condition_is_applied_too() {
    let clip = Waveform::new(vec![0.5; 100], 16_000);
    for condition in [
        Condition::Gain { db: f64::NAN },
        Condition::Quantise { bits: 0 },
        Condition::NoiseWhite {
            snr_db: f64::INFINITY,
        },
        Condition::Speed { percent: -100.0 },
        Condition::Silence {
            lead: 1e9,
            trail: 0.0,
        },
        Condition::Cut { seconds: -1.0 },
    ] {
        let result = condition.apply(&clip, 0);
        assert!(
            matches!(result, Err(Error::Parameter { .. })),
            "{condition}: {result:?}"
        );
    }
}

#[test]
fn clips_that_are_no_sound_are_refused() {
    let refused = |samples: Vec<f32>, rate, found: &str| {
        for condition in Condition::STANDARD {
            match condition.apply(&Waveform::new(samples.clone(), rate), 0) {
                Err(Error::Clip { actual, .. }) => assert!(actual.contains(found), "{actual}"),
                other => panic!("{condition}: {other:?}"),
            }
        }
    };
    refused(vec![0.0], 0, "0 Hz");
    refused(vec![0.0], 999, "999 Hz");
    refused(vec![0.0], u32::MAX, "4294967295 Hz");
    refused(vec![0.0, f32::NAN], 16_000, "NaN at sample 1");
    refused(vec![f32::INFINITY], 16_000, "inf at sample 0");
    refused(vec![0.0, 0.0, -2e10], 16_000, "-2e10 at sample 2");
}

#[test]
fn a_rate_that_cannot_be_brought_to_8_khz_is_an_error() {
    let clip = Waveform::new(vec![0.0; 100], 999_983);
    let result = Condition::Lowpass8k.apply(&clip, 0);
    match result {
        Err(Error::Resample { condition, .. }) => assert_eq!(condition, "lowpass-8k"),
        other => panic!("{other:?}"),
    }
}

/// Returns a strategy for any valid condition.
fn conditions() -> impl Strategy<Value = Condition> {
    let level = -120.0..=120.0f64;
    let seconds = 0.0..=60.0f64;
    prop_oneof![
        proptest::sample::select(Condition::STANDARD.to_vec()),
        Just(Condition::Clean),
        level.clone().prop_map(|db| Condition::Gain { db }),
        (1..=24u32).prop_map(|bits| Condition::Quantise { bits }),
        level
            .clone()
            .prop_map(|snr_db| Condition::NoiseWhite { snr_db }),
        level.prop_map(|snr_db| Condition::NoiseBabble { snr_db }),
        (-50.0..=100.0f64).prop_map(|percent| Condition::Speed { percent }),
        (seconds.clone(), seconds).prop_map(|(lead, trail)| Condition::Silence { lead, trail }),
        (1e-9..=3600.0f64).prop_map(|seconds| Condition::Cut { seconds }),
    ]
}

/// Returns a strategy for samples of any accepted size: usual, tiny, huge, and only zeros.
fn samples() -> impl Strategy<Value = Vec<f32>> {
    (
        0..3000usize,
        proptest::sample::select(vec![0.0, 1e-45, 1e-20, 0.1, 1.0, 1e10]),
    )
        .prop_flat_map(|(len, scale)| {
            proptest::collection::vec((-1.0..=1.0f32).prop_map(move |x| x * scale), len)
        })
}

proptest! {
    #[test]
    fn text_and_condition_are_the_same(condition in conditions()) {
        prop_assert_eq!(condition.to_string().parse::<Condition>().unwrap(), condition);
    }

    /// No text that is not a condition causes a panic.
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,20}", parameter in "[a-z0-9. -]{0,12}") {
        let _ = text.parse::<Condition>();
        let _ = format!("silence {parameter}").parse::<Condition>();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_clip_comes_out_finite(
        condition in conditions(),
        samples in samples(),
        rate in proptest::sample::select(vec![1_000, 8_000, 11_025, 22_050, 44_100, 48_000, 192_000]),
    ) {
        // Long silence would take as much time as all other cases together.
        let condition = match condition {
            Condition::Silence { lead, trail } => {
                Condition::Silence { lead: lead / 60.0, trail: trail / 60.0 }
            }
            other => other,
        };
        let heard = condition.apply(&Waveform::new(samples, rate), 1).unwrap();
        prop_assert!(heard.samples.iter().all(|x| x.is_finite()), "{}", condition);
    }
}
