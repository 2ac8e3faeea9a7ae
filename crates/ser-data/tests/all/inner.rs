use std::collections::BTreeSet;

use ser_data::{Corpus, Disjoint, Error, Parts, Protocol, Split};

use crate::fixtures::ravdess_of;

#[test]
fn inner_splits_divide_the_training_pool_by_speakers() {
    let corpus = ravdess_of(1..=24);
    for split in Protocol::FoldsA.splits(&corpus, 0).unwrap() {
        let pool: BTreeSet<usize> = split
            .train()
            .iter()
            .chain(split.validation())
            .copied()
            .collect();
        let speakers = |part: &[usize]| -> BTreeSet<String> {
            part.iter()
                .map(|&i| corpus.clips()[i].speaker.clone())
                .collect()
        };
        let inner = split.inner(&corpus, 3, 0).unwrap();
        assert_eq!(inner.len(), 3);
        let mut tested = BTreeSet::new();
        for (i, inner) in inner.iter().enumerate() {
            assert_eq!(inner.name(), format!("{}-inner-{}", split.name(), i + 1));
            let parts: BTreeSet<usize> =
                inner.train().iter().chain(inner.test()).copied().collect();
            assert_eq!(parts, pool);
            assert!(inner.validation().is_empty());
            let held = speakers(inner.test());
            assert!(held.len() >= 4 && held.is_disjoint(&speakers(inner.train())));
            assert!(held.is_disjoint(&speakers(split.test())));
            let women = held
                .iter()
                .filter(|s| s.parse::<u8>().unwrap() % 2 == 0)
                .count();
            assert!(women >= 2 && held.len() - women >= 2, "{held:?}");
            assert!(tested.is_disjoint(&held), "each speaker is held out once");
            tested.extend(held);
        }
        assert_eq!(inner, split.inner(&corpus, 3, 0).unwrap());
        assert_ne!(inner, split.inner(&corpus, 3, 1).unwrap());
        let all = split.inner(&corpus, 99, 0).unwrap();
        let tested: Vec<usize> = all.iter().flat_map(Split::test).copied().collect();
        assert_eq!(tested.len(), pool.len(), "all groups together are the pool");
    }
}

#[test]
fn a_gender_that_only_some_rows_of_a_speaker_tell_is_known() {
    let mut clips = ravdess_of(1..=24).clips().to_vec();
    for (i, clip) in clips.iter_mut().enumerate() {
        clip.gender = clip.gender.take().filter(|_| i % 7 == 0);
    }
    let corpus = Corpus::new("half told", false, clips);
    let splits = Protocol::FoldsA.splits(&corpus, 0).unwrap();
    // The validation speakers are drawn from both genders in turn.
    let of_all_told = Protocol::FoldsA.splits(&ravdess_of(1..=24), 0).unwrap();
    assert!(splits == of_all_told);
    for split in splits {
        let told = split.inner(&ravdess_of(1..=24), 9, 0).unwrap();
        assert!(split.inner(&corpus, 9, 0).unwrap() == told);
    }
}

#[test]
fn inner_splits_of_a_random_split_are_stratified_tenths_of_its_pool() {
    let corpus = ravdess_of(1..=24);
    let split = &Protocol::Random10.splits(&corpus, 0).unwrap()[0];
    let pool = split.train().len() + split.validation().len();
    let inner = split.inner(&corpus, 99, 0).unwrap();
    assert_eq!(inner.len(), 10);
    for inner in &inner {
        assert!(inner.test().len().abs_diff(pool / 10) <= 1);
        assert!(inner.test().iter().all(|i| !split.test().contains(i)));
        let of = |emotion: &str| {
            let clips = inner.test().iter().map(|&i| &corpus.clips()[i]);
            clips.filter(|clip| clip.emotion == emotion).count()
        };
        assert!(of("angry").abs_diff(of("sad")) <= 1 && of("neutral") >= 8);
    }
}

#[test]
fn inner_splits_of_a_pool_of_few_recordings_are_as_many_as_these() {
    let corpus = ravdess_of(1..=2);
    let of = |count: usize| {
        let parts = Parts {
            train: (0..count).collect(),
            test: vec![100],
            ..Parts::default()
        };
        let split = Split::new(&corpus, "few", parts, Disjoint::Audio).unwrap();
        split.inner(&corpus, 99, 0)
    };
    let inner = of(3).unwrap();
    assert_eq!(inner.len(), 3);
    assert!(inner.iter().all(|split| split.test().len() == 1));
    let error = of(1).unwrap_err();
    assert!(matches!(error, Error::Unsuited { .. }), "{error}");
}

#[test]
fn inner_splits_of_another_corpus_or_of_one_speaker_are_refused() {
    let corpus = ravdess_of(1..=24);
    let split = &Protocol::FoldsA.splits(&corpus, 0).unwrap()[0];
    let error = split.inner(&ravdess_of([1]), 1, 0).unwrap_err();
    assert!(matches!(error, Error::Index { .. }), "{error}");
    let of = |speaker: &str| {
        let clips = corpus.clips().iter().enumerate();
        let clips = clips.filter(|(_, clip)| clip.speaker == speaker);
        clips.map(|(i, _)| i).collect()
    };
    let parts = Parts {
        train: of("01"),
        test: of("02"),
        ..Parts::default()
    };
    let split = Split::new(&corpus, "one", parts, Disjoint::SpeakersAndAudio).unwrap();
    let error = split.inner(&corpus, 1, 0).unwrap_err();
    assert!(matches!(error, Error::Unsuited { .. }), "{error}");
}
