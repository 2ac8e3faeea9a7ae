use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use ser_data::ravdess::EMOTIONS;
use ser_data::{Clip, Corpus, Error, Protocol, Side, Split};

use crate::fixtures::{clip, edited, ravdess_of};

/// The protocols that need no particular column of a manifest.
fn without_given() -> impl Iterator<Item = Protocol> {
    let by_columns = [Protocol::Given, Protocol::Corpora];
    let all = Protocol::ALL.into_iter();
    all.filter(move |protocol| !by_columns.contains(protocol))
}

fn count_by<'a>(
    corpus: &'a Corpus,
    indices: &[usize],
    key: impl Fn(&'a Clip) -> &'a str,
) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for &index in indices {
        *counts.entry(key(&corpus.clips()[index])).or_insert(0) += 1;
    }
    counts
}

fn speakers<'a>(corpus: &'a Corpus, indices: &[usize]) -> BTreeSet<&'a str> {
    count_by(corpus, indices, |clip| &clip.speaker)
        .into_keys()
        .collect()
}

fn all(corpus: &Corpus) -> Vec<usize> {
    (0..corpus.len()).collect()
}

/// Returns how often each clip is tested.
fn times_tested(corpus: &Corpus, splits: &[Split]) -> Vec<usize> {
    let mut times = vec![0; corpus.len()];
    splits
        .iter()
        .flat_map(Split::test)
        .for_each(|&index| times[index] += 1);
    times
}

/// Checks that the parts share no clip, no audio and, if the protocol says so, no speaker. `Split::new` should ensure
/// that; this checks it in another way.
fn assert_disjoint(protocol: Protocol, corpus: &Corpus, split: &Split) {
    let parts = [split.train(), split.validation(), split.test()];
    assert!(
        parts.iter().all(|part| !part.is_empty()),
        "{protocol} {}",
        split.name()
    );
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        let shared = |key: fn(&Clip) -> &str| {
            let of = |part: usize| -> BTreeSet<&str> {
                parts[part]
                    .iter()
                    .map(|&i| key(&corpus.clips()[i]))
                    .collect()
            };
            !of(a).is_disjoint(&of(b))
        };
        assert!(
            !shared(|clip| clip.path.to_str().unwrap()),
            "{protocol} {}",
            split.name()
        );
        assert!(!shared(|clip| &clip.content), "{protocol} {}", split.name());
        assert!(
            !(protocol.is_speaker_disjoint() && shared(|clip| &clip.speaker)),
            "{protocol} {}",
            split.name()
        );
    }
}

/// Checks that one clip in `one_in` of every emotion is in `part`, give or take one clip.
fn assert_stratified(corpus: &Corpus, part: &[usize], whole: &[usize], one_in: usize) {
    let in_part = count_by(corpus, part, |clip| &clip.emotion);
    for (emotion, clips) in count_by(corpus, whole, |clip| &clip.emotion) {
        let found = in_part.get(emotion).copied().unwrap_or(0);
        let fits = [clips / one_in, clips.div_ceil(one_in)].contains(&found);
        assert!(fits, "{emotion}: {found} of {clips}, one in {one_in}");
    }
}

#[test]
fn a_protocol_comes_back_from_its_name() {
    for protocol in Protocol::ALL {
        assert_eq!(protocol.to_string().parse::<Protocol>().unwrap(), protocol);
        let json = serde_json::to_string(&protocol).unwrap();
        assert_eq!(json, format!("\"{protocol}\""));
        assert_eq!(serde_json::from_str::<Protocol>(&json).unwrap(), protocol);
    }
    let text = "folds-c".parse::<Protocol>().unwrap_err().to_string();
    assert!(
        text.contains("folds-c") && text.contains("folds-a"),
        "{text}"
    );
}

#[test]
fn every_protocol_keeps_the_parts_of_ravdess_apart() {
    let corpus = ravdess_of(1..=24);
    for protocol in without_given() {
        for split in protocol.splits(&corpus, 0).unwrap() {
            assert_disjoint(protocol, &corpus, &split);
        }
    }
}

#[test]
fn a_seed_gives_the_same_splits_again_and_another_seed_others() {
    let corpus = ravdess_of(1..=24);
    for protocol in without_given() {
        let with = |seed| protocol.splits(&corpus, seed).unwrap();
        assert_eq!(with(3), with(3));
        assert_ne!(with(3), with(4), "{protocol}");
    }
}

/// The figures of two versions can be compared only if their splits are the same.
#[test]
fn the_splits_of_ravdess_are_pinned() {
    let corpus = ravdess_of(1..=24);
    let first = |protocol: Protocol| protocol.splits(&corpus, 0).unwrap().swap_remove(0);
    assert_eq!(first(Protocol::Seed5).test()[..6], PINNED_SEED5);
    assert_eq!(first(Protocol::Random10).test()[..6], PINNED_RANDOM10);
    assert_eq!(
        Vec::from_iter(speakers(&corpus, first(Protocol::FoldsA).validation())),
        PINNED_FOLDS_A
    );
}

const PINNED_SEED5: [usize; 6] = [1, 5, 8, 22, 29, 30];
const PINNED_RANDOM10: [usize; 6] = [3, 4, 6, 35, 36, 43];
const PINNED_FOLDS_A: [&str; 4] = ["17", "19", "20", "22"];

#[test]
fn seed5_is_five_different_stratified_draws_of_80_to_20() {
    let corpus = ravdess_of(1..=24).select(&EMOTIONS[..5]).unwrap();
    let splits = Protocol::Seed5.splits(&corpus, 0).unwrap();
    assert_eq!(
        splits.iter().map(Split::name).collect::<Vec<_>>(),
        ["seed-1", "seed-2", "seed-3", "seed-4", "seed-5"]
    );
    for split in &splits {
        assert_eq!(
            (
                split.train().len(),
                split.validation().len(),
                split.test().len()
            ),
            (622, 69, 173)
        );
        assert_stratified(&corpus, split.test(), &all(&corpus), 5);
        assert_stratified(
            &corpus,
            split.validation(),
            &[split.train(), split.validation()].concat(),
            10,
        );
    }
    assert_eq!(
        splits
            .iter()
            .map(Split::test)
            .collect::<BTreeSet<_>>()
            .len(),
        5
    );
}

#[test]
fn random10_tests_every_clip_once_in_stratified_tenths() {
    let corpus = ravdess_of(1..=24);
    let splits = Protocol::Random10.splits(&corpus, 0).unwrap();
    assert_eq!(splits.len(), 10);
    assert!(
        times_tested(&corpus, &splits)
            .iter()
            .all(|&times| times == 1)
    );
    for split in &splits {
        assert_eq!(split.test().len(), 144);
        assert_stratified(&corpus, split.test(), &all(&corpus), 10);
        assert_eq!(split.validation().len(), 130);
    }
}

#[test]
fn the_same_audio_lies_in_one_part_of_a_random_split() {
    // As in RAVDESS: one recording under two names.
    let twins = ["03-01-03-01-02-01-07.wav", "03-01-03-01-02-02-07.wav"];
    let corpus = edited(&ravdess_of(1..=24), |clip| {
        if twins.contains(&clip.path.to_str().unwrap()) {
            clip.content = "twin".to_owned();
        }
    });
    for (protocol, one_in) in [(Protocol::Seed5, 5), (Protocol::Random10, 10)] {
        for seed in 0..20 {
            for split in protocol.splits(&corpus, seed).unwrap() {
                assert_disjoint(protocol, &corpus, &split);
                assert_stratified(&corpus, split.test(), &all(&corpus), one_in);
            }
        }
    }
}

#[test]
fn folds_a_and_b_test_the_published_actors() {
    let corpus = ravdess_of(1..=24);
    let tested = |protocol: Protocol| -> Vec<Vec<u8>> {
        let splits = protocol.splits(&corpus, 0).unwrap();
        assert!(
            times_tested(&corpus, &splits)
                .iter()
                .all(|&times| times == 1)
        );
        splits
            .iter()
            .map(|s| {
                speakers(&corpus, s.test())
                    .iter()
                    .map(|id| id.parse().unwrap())
                    .collect()
            })
            .collect()
    };
    assert_eq!(
        tested(Protocol::FoldsA),
        [
            vec![2, 5, 14, 15, 16],
            vec![3, 6, 7, 13, 18],
            vec![10, 11, 12, 19, 20],
            vec![8, 17, 21, 23, 24],
            vec![1, 4, 9, 22]
        ]
    );
    assert_eq!(
        tested(Protocol::FoldsB),
        [
            [1, 11, 20, 21],
            [4, 10, 12, 14],
            [8, 9, 19, 23],
            [3, 5, 7, 24],
            [2, 15, 16, 18],
            [6, 13, 17, 22]
        ]
    );
}

#[test]
fn loso_tests_each_speaker_alone() {
    let corpus = ravdess_of(1..=24);
    let splits = Protocol::Loso.splits(&corpus, 0).unwrap();
    assert_eq!(splits.len(), 24);
    for (split, speaker) in splits.iter().zip(corpus.speakers()) {
        assert_eq!(Vec::from_iter(speakers(&corpus, split.test())), [speaker]);
        assert_eq!(split.test().len(), 60);
    }
}

#[test]
fn speaker_disjoint_protocols_validate_on_two_men_and_two_women() {
    let corpus = ravdess_of(1..=24);
    for protocol in without_given().filter(|protocol| protocol.is_speaker_disjoint()) {
        for split in protocol.splits(&corpus, 5).unwrap() {
            let validation = speakers(&corpus, split.validation());
            let men = validation
                .iter()
                .filter(|id| id.parse::<u8>().unwrap() % 2 == 1)
                .count();
            assert_eq!(
                (validation.len(), men),
                (4, 2),
                "{protocol} {}",
                split.name()
            );
        }
    }
}

#[test]
fn statement_trains_on_one_sentence_and_tests_on_the_other() {
    let corpus = ravdess_of(1..=24);
    let splits = Protocol::Statement.splits(&corpus, 0).unwrap();
    assert_eq!(splits.len(), 10);
    assert_eq!(splits[1].name(), "fold-1-kids");
    assert!(
        times_tested(&corpus, &splits)
            .iter()
            .all(|&times| times == 1)
    );
    let said = |indices: &[usize]| -> Vec<&str> {
        count_by(&corpus, indices, |clip| clip.statement.as_deref().unwrap())
            .into_keys()
            .collect()
    };
    for split in &splits {
        let (tested, other) = if split.name().ends_with("kids") {
            ("kids", "dogs")
        } else {
            ("dogs", "kids")
        };
        assert_eq!(said(split.test()), [tested]);
        assert_eq!(said(split.train()), [other]);
        assert_eq!(said(split.validation()), [other]);
    }
}

#[test]
fn fixed_folds_work_with_the_actors_that_are_there() {
    let corpus = ravdess_of(1..=12);
    for protocol in [Protocol::FoldsA, Protocol::FoldsB, Protocol::Statement] {
        let splits = protocol.splits(&corpus, 0).unwrap();
        assert!(
            times_tested(&corpus, &splits)
                .iter()
                .all(|&times| times == 1)
        );
        for split in &splits {
            assert_disjoint(protocol, &corpus, split);
            assert_eq!(speakers(&corpus, split.validation()).len(), 4);
        }
    }
}

#[test]
fn a_fold_without_actors_is_an_error_that_names_them() {
    match Protocol::FoldsA.splits(&ravdess_of(1..=9), 0) {
        Err(Error::MissingSpeakers {
            fold: 3, missing, ..
        }) => assert_eq!(missing, ["10", "11", "12", "19", "20"]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn fixed_folds_refuse_another_corpus_with_the_same_numbers_of_speakers() {
    let emo_db = ["03", "08", "09", "10", "11", "12", "13", "14", "15", "16"];
    let clips = emo_db.map(|speaker| clip(&format!("wav/{speaker}a01Fa.wav"), "happy", speaker));
    let corpus = Corpus::new("emo-db", false, clips.to_vec());
    for protocol in [Protocol::FoldsA, Protocol::FoldsB] {
        let error = protocol.splits(&corpus, 0).unwrap_err().to_string();
        assert!(
            error.contains("speakers-5") && error.contains("Emo-DB"),
            "{error}"
        );
    }
}

#[test]
fn fixed_folds_refuse_speakers_they_do_not_know_and_name_them() {
    let mut clips = ravdess_of(1..=24).clips().to_vec();
    clips.push(clip("x.wav", "sad", "anna"));
    let corpus = Corpus::new("mixed", false, clips);
    match Protocol::FoldsB.splits(&corpus, 0) {
        Err(error @ Error::UnknownSpeakers { .. }) => {
            let text = error.to_string();
            assert!(
                text.contains("anna") && text.contains("speakers-5"),
                "{text}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn statement_needs_a_statement_for_every_clip() {
    let corpus = edited(&ravdess_of(1..=24), |clip| {
        if clip.emotion == "calm" && clip.speaker == "07" {
            clip.statement = None;
        }
    });
    match Protocol::Statement.splits(&corpus, 0) {
        Err(Error::Unsuited {
            protocol, actual, ..
        }) => {
            assert_eq!(protocol, "statement");
            assert!(actual.contains("03-01-02"), "{actual}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_corpus_too_small_for_a_protocol_is_an_error_that_says_what_is_needed() {
    let nine = Corpus::new(
        "nine",
        false,
        (0..9)
            .map(|n| clip(&format!("{n}.wav"), "sad", "a"))
            .collect(),
    );
    for (protocol, needed) in [
        (Protocol::Seed5, "10 clips"),
        (Protocol::Random10, "10 clips"),
        (Protocol::Loso, "two speakers"),
        (Protocol::Speakers5, "5 speakers"),
    ] {
        match protocol.splits(&nine, 0) {
            Err(Error::Unsuited { expected, .. }) => {
                assert!(expected.contains(needed), "{protocol}: {expected}")
            }
            other => panic!("{protocol}: {other:?}"),
        }
    }
}

#[test]
fn the_same_audio_under_two_speakers_fits_no_speaker_disjoint_split() {
    let corpus = edited(&ravdess_of(1..=24), |clip| {
        if clip.emotion == "neutral" && ["02", "03"].contains(&clip.speaker.as_str()) {
            clip.content.truncate(18);
        }
    });
    match Protocol::FoldsA.splits(&corpus, 0) {
        Err(Error::Overlap { clips, .. }) => {
            assert!(
                clips
                    .iter()
                    .all(|pair| pair.first.1[..18] == pair.second.1[..18]),
                "{clips:?}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn speakers_5_balances_the_folds_by_number_of_clips() {
    // Speaker n has n clips.
    let clips = (1..=20).flat_map(|n| {
        (0..n).map(move |take| clip(&format!("{n}-{take}.wav"), "sad", &n.to_string()))
    });
    let corpus = Corpus::new("own", false, clips.collect());
    let splits = Protocol::Speakers5.splits(&corpus, 0).unwrap();
    assert!(
        splits.iter().all(|split| split.test().len() == 42),
        "{splits:?}"
    );
}

prop_compose! {
    /// A corpus with any speakers, labels, genders and numbers of clips, in which some clips of a speaker have the same
    /// audio.
    fn any_corpus()(
        clips in proptest::collection::vec((0..9u8, 0..4u8, 0..60u16), 60..200),
        genders in any::<bool>(),
    ) -> Corpus {
        let clips = clips.into_iter().enumerate().map(|(n, (speaker, emotion, content))| {
            // Small numbers are shared by the clips of one speaker and emotion.
            let content = if content < 12 { format!("{speaker} {emotion} {content}") } else { n.to_string() };
            Clip {
                gender: genders.then(|| if speaker < 3 { "male" } else { "female" }.to_owned()),
                content,
                ..clip(&format!("{n:03}.wav"), EMOTIONS[usize::from(emotion)], &format!("speaker {speaker}"))
            }
        });
        Corpus::new("any", false, clips.collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_corpus_is_divided_without_overlap(corpus in any_corpus(), seed: u64) {
        for protocol in [Protocol::Seed5, Protocol::Random10, Protocol::Loso, Protocol::Speakers5] {
            let splits = protocol.splits(&corpus, seed).unwrap();
            for split in &splits {
                assert_disjoint(protocol, &corpus, split);
                prop_assert_eq!(split.train().len() + split.validation().len() + split.test().len(), corpus.len());
            }
            if protocol != Protocol::Seed5 {
                prop_assert!(times_tested(&corpus, &splits).iter().all(|&times| times == 1));
            }
            prop_assert_eq!(splits, protocol.splits(&corpus, seed).unwrap());
        }
    }

    #[test]
    fn random_splits_are_stratified_within_one_clip(
        sizes in proptest::collection::vec(1..50usize, 1..9),
        seed: u64,
    ) {
        let clips: Vec<Clip> = sizes
            .iter()
            .enumerate()
            .flat_map(|(label, &size)| (0..size).map(move |n| clip(&format!("{label}-{n}.wav"), EMOTIONS[label], "a")))
            .collect();
        prop_assume!(clips.len() >= 10);
        let corpus = Corpus::new("any", false, clips);
        for split in Protocol::Seed5.splits(&corpus, seed).unwrap() {
            prop_assert_eq!(split.test().len(), (0.2 * corpus.len() as f64).round() as usize);
            assert_stratified(&corpus, split.test(), &all(&corpus), 5);
        }
        let splits = Protocol::Random10.splits(&corpus, seed).unwrap();
        for (label, &size) in sizes.iter().enumerate() {
            let in_fold = |split: &Split| {
                count_by(&corpus, split.test(), |clip| &clip.emotion).get(EMOTIONS[label]).copied().unwrap_or(0)
            };
            for split in &splits {
                prop_assert!([size / 10, size.div_ceil(10)].contains(&in_fold(split)));
            }
        }
    }
}

/// Returns two clips of each speaker, all on the given side.
fn given(speakers: &[(&str, Option<Side>)]) -> Corpus {
    let clips = speakers.iter().flat_map(|&(speaker, split)| {
        ["sad", "happy"].map(|emotion| Clip {
            split,
            ..clip(&format!("{speaker}-{emotion}.wav"), emotion, speaker)
        })
    });
    Corpus::new("given", false, clips.collect())
}

#[test]
fn a_given_split_is_taken_as_it_is() {
    let (train, dev, test) = (Side::Train, Side::Validation, Side::Test);
    let corpus = given(&[("a", Some(train)), ("b", Some(dev)), ("c", Some(test))]);
    let splits = Protocol::Given.splits(&corpus, 0).unwrap();
    let [split] = &splits[..] else {
        panic!("{splits:?}");
    };
    assert_eq!(split.name(), "given");
    assert_eq!(
        (split.train(), split.validation(), split.test()),
        (&[0, 1][..], &[2, 3][..], &[4, 5][..])
    );
}

#[test]
fn a_given_split_without_validation_gets_speakers_of_its_training_part() {
    let (train, test) = (Some(Side::Train), Some(Side::Test));
    let corpus = given(&[
        ("a", train),
        ("b", train),
        ("c", test),
        ("d", train),
        ("e", test),
    ]);
    let split = Protocol::Given.splits(&corpus, 0).unwrap().remove(0);
    assert_eq!(split.test(), [4, 5, 8, 9]);
    assert_eq!((split.train().len(), split.validation().len()), (4, 2));
    let alone = given(&[("a", train), ("c", test)]);
    assert!(matches!(
        Protocol::Given.splits(&alone, 0),
        Err(Error::Unsuited { .. })
    ));
}

#[test]
fn a_given_split_that_leaks_or_is_not_there_is_refused() {
    let (train, test) = (Some(Side::Train), Some(Side::Test));
    let refused = |corpus: &Corpus| Protocol::Given.splits(corpus, 0).unwrap_err().to_string();
    let mut sides = [train, test, train, test].into_iter();
    let shared = edited(&given(&[("a", train), ("b", test)]), |clip| {
        clip.split = sides.next().unwrap()
    });
    let refusal = refused(&shared);
    assert!(
        refusal.starts_with(
            "split given: the same speaker on both sides: a-happy (train) = a-sad (test), b-happy (train) = b-sad \
             (test); put all clips of a speaker"
        ) && refusal.contains("speakers-5"),
        "{refusal}"
    );
    let copies = edited(&given(&[("a", train), ("b", test)]), |clip| {
        clip.content = clip.emotion.clone()
    });
    assert!(refused(&copies).starts_with("split given: the same audio on both sides: a-"));
    assert_eq!(
        refused(&given(&[("a", train), ("b", None)])),
        "given needs train, dev or test for every clip, in a column `split` of its manifest; the corpus has none for 2 \
         clips, the first of them b-happy"
    );
    assert_eq!(
        refused(&given(&[("a", train), ("b", train)])),
        "split given: the test part is empty"
    );
}
