use std::collections::BTreeSet;
use std::path::Path;

use ser_data::ravdess::EMOTIONS;
use ser_data::{CORPUS, Clip, Corpus, Error, Excerpt};

use crate::fixtures::{clip, edited, ravdess_of};

fn small() -> Corpus {
    let clips = vec![
        clip("b/2.wav", "sad", "b"),
        clip("a/1.wav", "zeal", "a"),
        clip("a/2.wav", "neutral", "a"),
        clip("c/3.wav", "bored", "a"),
    ];
    Corpus::new("small", false, clips)
}

#[test]
fn clips_are_sorted_by_file_name_then_path() {
    let corpus = small();
    let paths: Vec<_> = corpus
        .clips()
        .iter()
        .map(|clip| clip.path.to_str().unwrap())
        .collect();
    assert_eq!(paths, ["a/1.wav", "a/2.wav", "b/2.wav", "c/3.wav"]);
}

#[test]
fn labels_come_in_ravdess_order_and_others_behind_them() {
    assert_eq!(small().labels(), ["neutral", "sad", "bored", "zeal"]);
    assert_eq!(small().targets(), [3, 0, 1, 2]);
    assert_eq!(ravdess_of([1]).labels(), EMOTIONS);
}

#[test]
fn select_keeps_the_order_it_is_given() {
    let chosen = small().select(&["zeal", "neutral", "zeal"]).unwrap();
    assert_eq!(chosen.labels(), ["zeal", "neutral"]);
    assert_eq!(chosen.targets(), [0, 1]);
    assert_eq!(
        ravdess_of(1..=24).select(&EMOTIONS[..5]).unwrap().len(),
        864
    );
}

#[test]
fn merged_labels_stand_where_the_first_of_them_stood() {
    let merged = ravdess_of([1]).merge_labels(&[
        ("calm", "neutral"),
        ("happy", "aroused"),
        ("angry", "aroused"),
    ]);
    let merged = merged.unwrap();
    assert_eq!(
        merged.labels(),
        [
            "neutral",
            "aroused",
            "sad",
            "fearful",
            "disgust",
            "surprised"
        ]
    );
    assert_eq!(
        merged
            .clips()
            .iter()
            .filter(|clip| clip.emotion == "aroused")
            .count(),
        16
    );
    assert_eq!(merged.len(), 60);
}

#[test]
fn an_unknown_label_is_an_error_that_lists_the_known_ones() {
    for error in [
        small().select(&["sad", "mad"]),
        small().merge_labels(&[("mad", "sad")]),
    ] {
        match error {
            Err(Error::UnknownLabel { label, known }) => {
                assert_eq!(label, "mad");
                assert_eq!(known, small().labels());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_checksum_depends_on_names_all_labels_and_content_only() {
    let corpus = small();
    let moved = edited(&corpus, |clip| {
        clip.path = Path::new("/elsewhere").join(&clip.path)
    });
    let backwards = moved.clips().iter().rev().cloned().collect();
    assert_eq!(
        Corpus::new("other", true, backwards).checksum(),
        corpus.checksum()
    );
    let checksum_after = |edit: fn(&mut Clip)| edited(&corpus, edit).checksum();
    let changed = checksum_after(|clip| clip.emotion = "mad".to_owned());
    assert_ne!(changed, corpus.checksum());
    let changed = checksum_after(|clip| clip.content = "other".to_owned());
    assert_ne!(changed, corpus.checksum());
    let changed = checksum_after(|clip| clip.speaker += "'");
    assert_ne!(changed, corpus.checksum());
    let (gender, intensity) = (
        checksum_after(|clip| clip.gender = Some("male".to_owned())),
        checksum_after(|clip| clip.intensity = Some("male".to_owned())),
    );
    let changed = checksum_after(|clip| clip.statement = Some("kids".to_owned()));
    assert_ne!(changed, corpus.checksum());
    let of_another = |clip: &mut Clip| {
        clip.attributes
            .insert(CORPUS.to_owned(), "another".to_owned());
    };
    assert_ne!(checksum_after(of_another), corpus.checksum());
    assert_ne!(gender, corpus.checksum());
    assert_ne!(gender, intensity);
    let changed = checksum_after(|clip| clip.path.set_file_name("9.wav"));
    assert_ne!(changed, corpus.checksum());
}

#[test]
fn clips_of_one_file_name_are_called_by_their_folders_too() {
    let names = |paths: &[&str]| -> Vec<String> {
        let clips = paths.iter().map(|path| clip(path, "sad", "a")).collect();
        let corpus = Corpus::new("c", false, clips);
        let clips = corpus.clips().iter();
        clips.map(|clip| clip.name.clone()).collect()
    };
    assert_eq!(names(&["x/1.wav", "y/2.wav"]), ["1", "2"]);
    assert_eq!(
        names(&["x/1.wav", "y/1.wav", "y/2.wav"]),
        ["x/1", "y/1", "2"]
    );
    // As many folders as necessary, and the same number for all clips with this file name.
    assert_eq!(
        names(&["a/x/1.wav", "b/x/1.wav", "b/y/1.wav"]),
        ["a/x/1", "b/x/1", "b/y/1"]
    );
    // Whatever the path of the corpus is.
    for folder in ["", "x/", "/home/anna/x/"] {
        let of = |name: &str| format!("{folder}{name}");
        assert_eq!(names(&[&of("1.WAV"), &of("1.wav")]), ["1.WAV", "1.wav"]);
    }
    assert_eq!(names(&["1.wav", "x/1.wav"]), ["1", "x/1"]);
}

#[test]
fn parts_of_files_that_their_extension_alone_tells_apart_have_names_of_their_own() {
    let part = |path: &str, start: u64| Clip {
        excerpt: Some(Excerpt {
            start,
            end: start + 16_000,
        }),
        ..clip(path, "sad", "a")
    };
    let clips = vec![part("1.flac", 0), part("1.wav", 0), part("1.wav", 16_000)];
    let corpus = Corpus::new("c", false, clips);
    let names: BTreeSet<&str> = corpus
        .clips()
        .iter()
        .map(|clip| clip.name.as_str())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn what_is_filtered_keeps_the_names_it_had() {
    let clips = ["DC/a01.wav", "JE/a01.wav", "JE/sa02.wav"].map(|path| clip(path, "sad", "a"));
    let corpus = Corpus::new("c", false, clips.to_vec());
    let kept = corpus.filter(|i| i != 0);
    let names: Vec<&str> = kept.clips().iter().map(|clip| clip.name.as_str()).collect();
    assert_eq!(names, ["JE/a01", "sa02"]);
}

#[test]
fn a_sentence_that_is_said_in_one_emotion_alone_tells_it_unless_it_is_said_once() {
    let said = |path: &str, emotion: &str, corpus: Option<&str>, statement: Option<&str>| Clip {
        statement: statement.map(str::to_owned),
        attributes: corpus
            .map(|name| ("corpus".to_owned(), name.to_owned()))
            .into_iter()
            .collect(),
        ..clip(path, emotion, "a")
    };
    let clips = vec![
        said("1.wav", "sad", None, Some("shared")),
        said("2.wav", "angry", None, Some("shared")),
        said("3.wav", "sad", None, Some("bound")),
        said("4.wav", "sad", None, Some("bound")),
        said("5.wav", "angry", None, Some("once")),
        said("6.wav", "angry", None, None),
        said("7.wav", "angry", None, None),
        // A sentence with several emotions in one corpus may have a single emotion in another.
        said("8.wav", "bored", Some("other"), Some("shared")),
        said("9.wav", "bored", Some("other"), Some("shared")),
    ];
    let corpus = Corpus::new("mine", false, clips);
    assert_eq!(corpus.sentence_bound(), [2, 3, 7, 8]);
    let shared = corpus.with_shared_sentences();
    let names: Vec<&str> = shared
        .clips()
        .iter()
        .map(|clip| clip.name.as_str())
        .collect();
    assert_eq!(names, ["1", "2", "5", "6", "7"]);
    assert_eq!(shared.labels(), ["sad", "angry"]);
    assert!(ravdess_of(1..=24).sentence_bound().is_empty());
}
