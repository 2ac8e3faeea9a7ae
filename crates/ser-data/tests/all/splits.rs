use std::fs;
use std::path::Path;

use ser_data::{Clip, Corpus, Disjoint, Error, Parts, Shared, Split};
use tempfile::tempdir;

use crate::fixtures::{clip, edited};

/// Clips 0 and 1 belong to speaker a, 2 and 3 to b, and 4 to c; clips 1 and 2 have the same audio.
fn corpus() -> Corpus {
    let same = |clip: Clip| Clip {
        content: "same".to_owned(),
        ..clip
    };
    let clips = vec![
        clip("0.wav", "sad", "a"),
        same(clip("1.wav", "sad", "a")),
        same(clip("2.wav", "sad", "b")),
        clip("3.wav", "sad", "b"),
        clip("4.wav", "sad", "c"),
    ];
    Corpus::new("small", false, clips)
}

fn split(
    train: &[usize],
    validation: &[usize],
    test: &[usize],
    disjoint: Disjoint,
) -> Result<Split, Error> {
    let parts = Parts {
        train: train.to_vec(),
        validation: validation.to_vec(),
        test: test.to_vec(),
    };
    Split::new(&corpus(), "mine", parts, disjoint)
}

/// Returns what overlaps, and the clips that the error names.
fn overlap(result: Result<Split, Error>) -> (Shared, Vec<(String, String)>) {
    match result {
        Err(Error::Overlap {
            split,
            shared,
            clips,
        }) => {
            assert_eq!(split, "mine");
            let named = |(part, clip): (&str, String)| format!("{part} {clip}");
            (
                shared,
                clips
                    .into_iter()
                    .map(|pair| (named(pair.first), named(pair.second)))
                    .collect(),
            )
        }
        other => panic!("{other:?}"),
    }
}

fn pair(first: &str, second: &str) -> (String, String) {
    (first.to_owned(), second.to_owned())
}

#[test]
fn a_sound_split_keeps_its_parts_in_ascending_order() {
    let split = split(&[2, 1], &[3], &[4, 0], Disjoint::Audio).unwrap();
    assert_eq!(split.name(), "mine");
    assert_eq!(
        (split.train(), split.validation(), split.test()),
        (&[1, 2][..], &[3][..], &[0, 4][..])
    );
    assert_eq!(split.disjoint(), Disjoint::Audio);
}

#[test]
fn the_same_clip_on_two_sides_is_an_error_that_names_it() {
    let (shared, clips) = overlap(split(&[0, 3], &[4], &[3], Disjoint::Audio));
    assert_eq!(
        (shared, clips),
        (Shared::Clip, vec![pair("train 3", "test 3")])
    );
}

#[test]
fn a_clip_twice_in_one_part_is_an_error_too() {
    let (shared, clips) = overlap(split(&[0, 0], &[], &[3], Disjoint::Audio));
    assert_eq!(
        (shared, clips),
        (Shared::Clip, vec![pair("train 0", "train 0")])
    );
}

#[test]
fn the_same_audio_on_two_sides_is_an_error_that_names_both_clips() {
    for disjoint in [Disjoint::Audio, Disjoint::SpeakersAndAudio] {
        let (shared, clips) = overlap(split(&[0, 1], &[], &[2], disjoint));
        assert_eq!(
            (shared, clips),
            (Shared::Audio, vec![pair("train 1", "test 2")])
        );
    }
    assert_eq!(
        overlap(split(&[0], &[1], &[2], Disjoint::Audio)).1,
        [pair("validation 1", "test 2")]
    );
    assert_eq!(
        overlap(split(&[1], &[2], &[4], Disjoint::Audio)).1,
        [pair("train 1", "validation 2")]
    );
}

#[test]
fn the_same_speaker_on_two_sides_is_an_error_where_it_is_forbidden() {
    for (train, validation, test, named) in [
        (&[0][..], &[][..], &[1][..], pair("train 0", "test 1")),
        (&[0], &[1], &[4], pair("train 0", "validation 1")),
        (&[0], &[2], &[3], pair("validation 2", "test 3")),
    ] {
        split(train, validation, test, Disjoint::Audio).unwrap();
        let (shared, clips) = overlap(split(train, validation, test, Disjoint::SpeakersAndAudio));
        assert_eq!((shared, clips), (Shared::Speaker, vec![named]));
    }
}

#[test]
fn an_overlap_reads_well() {
    let text = split(&[0], &[], &[1], Disjoint::SpeakersAndAudio)
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "split mine: the same speaker on both sides: 0 (train) = 1 (test)"
    );
}

#[test]
fn a_split_without_train_or_test_clips_is_an_error() {
    for (train, test, empty) in [(&[][..], &[0][..], "train"), (&[0], &[], "test")] {
        match split(train, &[], test, Disjoint::Audio) {
            Err(Error::EmptyPart { part, .. }) => assert_eq!(part, empty),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_index_outside_the_corpus_is_an_error() {
    match split(&[0], &[], &[4, 5], Disjoint::Audio) {
        Err(Error::Index {
            index: 5, len: 5, ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_split_of_another_corpus_is_not_written() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("mine.csv");
    let split = split(&[0], &[], &[4], Disjoint::Audio).unwrap();
    let smaller = Corpus::new("smaller", false, corpus().clips()[..3].to_vec());
    assert!(matches!(
        split.write_csv(&smaller, &path),
        Err(Error::Index {
            index: 4,
            len: 3,
            ..
        })
    ));
    assert!(!path.exists());
}

#[test]
fn a_split_comes_back_from_its_csv_wherever_the_corpus_lies() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("mine.csv");
    let split = split(&[1, 2], &[3], &[4], Disjoint::Audio).unwrap();
    split.write_csv(&corpus(), &path).unwrap();
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .starts_with("name,content,part\n1,same,train\n")
    );

    // A recording may be called `talk .wav`.
    let blank = edited(&corpus(), |clip| {
        let name = clip.path.file_stem().unwrap().display();
        clip.path = clip.path.with_file_name(format!("{name} .wav"));
    });
    let read = Split::read_csv(&blank, "mine", &path, Disjoint::Audio);
    assert_eq!(read.unwrap(), split);

    let moved = edited(&corpus(), |clip| {
        clip.path = Path::new("/elsewhere").join(&clip.path)
    });
    assert_eq!(
        Split::read_csv(&moved, "mine", &path, Disjoint::Audio).unwrap(),
        split
    );
}

#[test]
fn a_split_csv_is_checked_when_it_is_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("mine.csv");
    let read = |rows: &str| {
        fs::write(&path, format!("name,content,part\n{rows}")).unwrap();
        Split::read_csv(&corpus(), "mine", &path, Disjoint::Audio)
    };
    match read("0,0.wav,train\n9,9.wav,test\n") {
        Err(Error::Csv {
            line: 3, column, ..
        }) => assert_eq!(column, "name"),
        other => panic!("{other:?}"),
    }
    match read("0,0.wav,train\n4,other audio,test\n") {
        Err(Error::Csv {
            line: 3, column, ..
        }) => assert_eq!(column, "name"),
        other => panic!("{other:?}"),
    }
    match read("0,0.wav,learn\n") {
        Err(Error::Csv {
            line: 2,
            column,
            actual,
            ..
        }) => assert_eq!((column.as_str(), actual.as_str()), ("part", "learn")),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        overlap(read("1,same,train\n2,same,test\n")).0,
        Shared::Audio
    );
}
