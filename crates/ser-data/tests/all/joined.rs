use std::collections::BTreeSet;
use std::path::Path;

use ser_data::synth::{self, SynthConfig};
use ser_data::{Clip, Corpus, Error, LabelMap, Protocol, Scan, Split};
use tempfile::{TempDir, tempdir};

use crate::fixtures::Wav;

const EMOTIONS: [(&str, &str); 2] = [("ANG", "a"), ("SAD", "sa")];

/// Writes RAVDESS (a generated corpus), CREMA-D and SAVEE, each into a folder.
fn three_corpora() -> TempDir {
    let folder = tempdir().unwrap();
    let at = |path: String| folder.path().join(path);
    let config = SynthConfig {
        actors: 4,
        clips_per_actor: 4,
        ..SynthConfig::default()
    };
    synth::generate(at("actors".to_owned()), &config, |_| ()).unwrap();
    let mut content = 0;
    let mut write = |path: String| {
        content += 1;
        Wav::new(content).write(at(path));
    };
    for (crema, savee) in EMOTIONS {
        for actor in 1001..=1010 {
            write(format!("crowd/AudioWAV/{actor}_DFA_{crema}_XX.wav"));
        }
        for speaker in ["DC", "JE", "JK", "KL"] {
            write(format!("british/{speaker}/{savee}01.wav"));
        }
    }
    folder
}

fn load(folder: &Path, names: &[&str]) -> ser_data::Result<Scan> {
    let paths: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
    let origins: Vec<_> = paths.iter().map(|path| path.as_path().into()).collect();
    Corpus::load_all(&origins, &LabelMap::new())
}

fn told<'a>(
    corpus: &'a Corpus,
    indices: &[usize],
    of: impl Fn(&'a Clip) -> Option<&'a str>,
) -> BTreeSet<&'a str> {
    let clips = indices.iter().map(|&index| &corpus.clips()[index]);
    clips.filter_map(of).collect()
}

fn corpora<'a>(corpus: &'a Corpus, indices: &[usize]) -> BTreeSet<&'a str> {
    told(corpus, indices, Clip::corpus)
}

#[test]
fn several_corpora_become_one_in_which_speakers_are_told_apart() {
    let folder = three_corpora();
    let Scan { corpus, audit } = load(folder.path(), &["actors", "crowd", "british"]).unwrap();
    assert_eq!(
        (corpus.len(), corpus.name()),
        (16 + 20 + 8, "crema-d+ravdess+savee")
    );
    assert!(corpus.is_synthetic(), "a part of it is generated");
    assert_eq!(audit.skipped, []);
    let all: Vec<usize> = (0..corpus.len()).collect();
    assert_eq!(
        corpora(&corpus, &all),
        BTreeSet::from(["crema-d", "ravdess", "savee"])
    );
    let speakers = corpus.speakers();
    assert_eq!(speakers.len(), 4 + 10 + 4);
    assert!(speakers.contains(&"savee/JK".to_owned()), "{speakers:?}");

    // A manifest keeps the corpus of each clip.
    let manifest = folder.path().join("all.csv");
    corpus.write_manifest(&manifest).unwrap();
    let again = Corpus::load(&manifest).unwrap().corpus;
    assert_eq!(
        (again.clips(), again.checksum()),
        (corpus.clips(), corpus.checksum())
    );
}

#[test]
fn one_corpus_alone_is_as_ever() {
    let folder = three_corpora();
    let alone = load(folder.path(), &["crowd"]).unwrap().corpus;
    assert_eq!(
        alone,
        Corpus::load(folder.path().join("crowd")).unwrap().corpus
    );
    assert_eq!(alone.clips()[0].corpus(), None);
}

#[test]
fn the_same_corpus_twice_is_refused() {
    let folder = three_corpora();
    let error = load(folder.path(), &["crowd", "crowd"]).unwrap_err();
    assert!(
        matches!(&error, Error::SameCorpus { name, .. } if name == "crema-d"),
        "{error}"
    );
}

#[test]
fn the_same_corpus_in_a_manifest_is_refused() {
    let folder = three_corpora();
    let some = load(folder.path(), &["crowd", "british"]).unwrap().corpus;
    some.write_manifest(folder.path().join("some.csv")).unwrap();
    for names in [["some.csv", "crowd"], ["british", "some.csv"]] {
        let error = load(folder.path(), &names).unwrap_err();
        assert!(matches!(&error, Error::SameCorpus { .. }), "{error}");
    }
    let speakers = load(folder.path(), &["some.csv", "actors"])
        .unwrap()
        .corpus
        .speakers();
    assert!(speakers.contains(&"savee/JK".to_owned()), "{speakers:?}");
}

#[test]
fn what_one_manifest_may_not_hold_two_corpora_may_not_hold_together() {
    let folder = three_corpora();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let file = "crowd/AudioWAV/1001_DFA_ANG_XX.wav";
    let refused = |names: [&str; 2]| load(folder.path(), &names).unwrap_err();
    // One file as a whole and in part, which would be two voices.
    write(
        "whole.csv",
        &format!("path,emotion,speaker\n{file},angry,p1\n"),
    );
    write(
        "part.csv",
        &format!("path,emotion,speaker,start,end\n{file},angry,p1,0,0.02\n"),
    );
    let error = refused(["whole.csv", "part.csv"]);
    assert!(matches!(&error, Error::SharedSound { .. }), "{error}");
    // Two spellings of a label.
    write(
        "Angry.csv",
        &format!("path,emotion,speaker\n{file},Angry,p1\n"),
    );
    let error = refused(["british", "Angry.csv"]);
    assert!(
        matches!(&error, Error::Spellings { found, .. } if found == "Angry"),
        "{error}"
    );
    // Two spellings of a corpus, in two corpora and in one.
    write(
        "other.csv",
        &format!("path,emotion,speaker,corpus\n{file},angry,p1,Crema_D\n"),
    );
    let error = refused(["crowd", "other.csv"]);
    assert!(matches!(&error, Error::SameCorpus { .. }), "{error}");
    let sad = file.replace("ANG", "SAD");
    let rows = format!("path,emotion,speaker,corpus\n{file},angry,p1,a\n{sad},sad,p1,A\n");
    write("both.csv", &rows);
    let error = load(folder.path(), &["both.csv"]).unwrap_err().to_string();
    assert!(error.contains("line 3, column `corpus`"), "{error}");
}

#[test]
fn manifests_of_one_name_are_told_apart_by_their_column() {
    let folder = three_corpora();
    for (at, emotion) in [("a", "ANG"), ("b", "SAD")] {
        let file = format!("../crowd/AudioWAV/1001_DFA_{emotion}_XX.wav");
        std::fs::create_dir(folder.path().join(at)).unwrap();
        let rows = format!("path,emotion,speaker,corpus\n{file},sad,1,{at}\n");
        std::fs::write(folder.path().join(at).join("manifest.csv"), rows).unwrap();
    }
    let corpus = load(folder.path(), &["a/manifest.csv", "b/manifest.csv"]);
    assert_eq!(corpus.unwrap().corpus.speakers(), ["a/1", "b/1"]);
}

#[test]
fn people_of_two_corpora_are_drawn_for_validation_once() {
    let folder = tempdir().unwrap();
    for actor in [1, 3, 5] {
        for channel in [1, 2] {
            for emotion in ["03", "04"] {
                let name = format!("{channel}/03-0{channel}-{emotion}-01-01-01-{actor:02}.wav");
                let content = 10 * actor + channel;
                let content = content * 10 + emotion.parse::<i32>().unwrap();
                Wav::new(content as _).write(folder.path().join(name));
            }
        }
    }
    let corpus = load(folder.path(), &["1", "2"]).unwrap().corpus;
    assert_eq!(corpus.speakers().len(), 3);
    for split in Protocol::Loso.splits(&corpus, 0).unwrap() {
        assert!(!split.train().is_empty() && !split.validation().is_empty());
    }
}

#[test]
fn speakers_of_one_manifest_are_told_apart_by_their_corpora() {
    let folder = three_corpora();
    let mut manifest = "path,emotion,speaker,corpus\n".to_owned();
    for (corpus, actor) in [("a", 1001), ("a", 1002), ("b", 1003), ("b", 1004)] {
        let speaker = actor % 2;
        let row = |emotion| {
            format!("crowd/AudioWAV/{actor}_DFA_{emotion}_XX.wav,{emotion},{speaker},{corpus}\n")
        };
        manifest += &[row("ANG"), row("SAD")].concat();
    }
    std::fs::write(folder.path().join("two.csv"), manifest).unwrap();
    let corpus = load(folder.path(), &["two.csv"]).unwrap().corpus;
    assert_eq!(corpus.speakers(), ["a/0", "a/1", "b/0", "b/1"]);
    let alone = Corpus::load(folder.path().join("two.csv")).unwrap().corpus;
    assert_eq!(alone.clips(), corpus.clips());
    for split in Protocol::Corpora.splits(&corpus, 0).unwrap() {
        let parts = [split.train(), split.validation(), split.test()];
        assert_eq!(parts.concat().len(), corpus.len());
    }
}

#[test]
fn a_row_without_a_corpus_belongs_to_that_of_the_manifest() {
    let folder = three_corpora();
    // Two corpora may spell the numbers of their speakers differently.
    let rows = "path,emotion,speaker,corpus\n\
        crowd/AudioWAV/1001_DFA_ANG_XX.wav,angry,03,a\n\
        crowd/AudioWAV/1002_DFA_ANG_XX.wav,angry,3,b\n\
        crowd/AudioWAV/1003_DFA_ANG_XX.wav,angry,3,\n";
    std::fs::write(folder.path().join("mine.csv"), rows).unwrap();
    let corpus = load(folder.path(), &["mine.csv"]).unwrap().corpus;
    assert_eq!(corpus.speakers(), ["a/03", "b/3", "mine/3"]);
}

#[test]
fn actors_who_speak_and_sing_are_the_same_people() {
    let folder = three_corpora();
    for (actor, emotion) in [(1, "03"), (2, "03"), (3, "04"), (4, "05")] {
        let name = format!("sung/03-02-{emotion}-01-01-01-{actor:02}.wav");
        Wav::new(1000 + actor).write(folder.path().join(name));
    }
    let names = ["actors", "sung", "crowd", "british"];
    let corpus = load(folder.path(), &names).unwrap().corpus;
    assert_eq!(corpus.speakers().len(), 4 + 10 + 4);
    for split in Protocol::Corpora.splits(&corpus, 0).unwrap() {
        let trained = corpora(&corpus, &[split.train(), split.validation()].concat());
        let tested = corpora(&corpus, split.test());
        let both = BTreeSet::from(["ravdess", "ravdess-song"]);
        if both.is_superset(&tested) {
            assert!(trained.is_disjoint(&both), "{trained:?}");
        }
        // The inner splits leave out speech and song together.
        for inner in split.inner(&corpus, 9, 0).unwrap() {
            let held = corpora(&corpus, inner.test());
            assert!(held.len() == 1 || held == both, "{held:?}");
        }
    }
}

#[test]
fn each_corpus_is_tested_by_the_others() {
    let folder = three_corpora();
    let corpus = load(folder.path(), &["actors", "crowd", "british"])
        .unwrap()
        .corpus;
    let splits = Protocol::Corpora.splits(&corpus, 0).unwrap();
    let names: Vec<&str> = splits.iter().map(Split::name).collect();
    assert_eq!(names, ["fold-1-crema-d", "fold-2-ravdess", "fold-3-savee"]);
    for (split, asked) in splits.iter().zip(["crema-d", "ravdess", "savee"]) {
        let others = BTreeSet::from_iter(
            ["crema-d", "ravdess", "savee"]
                .into_iter()
                .filter(|name| *name != asked),
        );
        assert_eq!(corpora(&corpus, split.test()), BTreeSet::from([asked]));
        assert_eq!(corpora(&corpus, split.train()), others);
        // The validation part has speakers of each other corpus.
        assert_eq!(corpora(&corpus, split.validation()), others);
        let all = split.train().len() + split.validation().len() + split.test().len();
        assert_eq!(all, corpus.len());

        // The inner splits leave out whole corpora as well.
        let inner = split.inner(&corpus, 9, 0).unwrap();
        assert_eq!(inner.len(), 2);
        for (inner, held) in inner.iter().zip(&others) {
            assert_eq!(corpora(&corpus, inner.test()), BTreeSet::from([*held]));
            let trained = corpora(&corpus, inner.train());
            assert!(
                !trained.contains(held) && !trained.contains(asked),
                "{trained:?}"
            );
        }
    }
    assert_eq!(splits, Protocol::Corpora.splits(&corpus, 0).unwrap());
    assert_ne!(splits, Protocol::Corpora.splits(&corpus, 1).unwrap());
}

#[test]
fn speakers_of_several_corpora_are_kept_apart_as_well() {
    let folder = three_corpora();
    let corpus = load(folder.path(), &["actors", "crowd", "british"])
        .unwrap()
        .corpus;
    for split in Protocol::Speakers5.splits(&corpus, 0).unwrap() {
        let speakers = |part: &[usize]| told(&corpus, part, |clip| Some(clip.speaker.as_str()));
        assert!(speakers(split.train()).is_disjoint(&speakers(split.test())));
        // Here the inner splits keep speakers apart, not corpora.
        for inner in split.inner(&corpus, 3, 0).unwrap() {
            assert!(corpora(&corpus, inner.test()).len() > 1);
            assert!(speakers(inner.train()).is_disjoint(&speakers(inner.test())));
        }
    }
}

#[test]
fn one_corpus_cannot_be_tested_by_others() {
    let folder = three_corpora();
    let corpus = load(folder.path(), &["crowd"]).unwrap().corpus;
    let error = Protocol::Corpora
        .splits(&corpus, 0)
        .unwrap_err()
        .to_string();
    assert!(error.contains("two corpora or more"), "{error}");
    assert!(error.contains("none for 20 clips"), "{error}");
}
