//! Manifests that are written and read back.

use std::fs;

use ser_data::{Corpus, Error, LabelMap, Origin, Scan};
use tempfile::tempdir;

use crate::fixtures::{Wav, clip, manifest};

#[test]
fn a_scanned_corpus_comes_back_from_its_manifest() {
    let folder = tempdir().unwrap();
    for (content, name) in ["03-01-01-01-01-01-01", "03-01-08-02-02-02-24"]
        .iter()
        .enumerate()
    {
        Wav::new(content as i16).write(folder.path().join(format!("Actor_01/{name}.wav")));
    }
    let scanned = Corpus::scan(folder.path()).unwrap().corpus;
    let path = folder.path().join("manifest.csv");
    scanned.write_manifest(&path).unwrap();
    let Scan { corpus, audit } = Corpus::load(&path).unwrap();
    assert_eq!(corpus.clips(), scanned.clips());
    assert_eq!(corpus.labels(), scanned.labels());
    assert_eq!(corpus.checksum(), scanned.checksum());
    assert!(audit.missing.is_some());

    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("\nActor_01/03-01-01-01-01-01-01.wav,neutral,01,male,normal,kids,1,"),
        "{text}"
    );
}

#[test]
fn a_manifest_is_written_with_tabs_where_its_name_says_so() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join("1.wav"));
    let path = manifest(folder.path(), "path,emotion,speaker\n1.wav,sad,a\n");
    let corpus = Corpus::load(path).unwrap().corpus;
    let again = folder.path().join("again.tsv");
    corpus.write_manifest(&again).unwrap();
    let text = fs::read_to_string(&again).unwrap();
    assert!(text.starts_with("path\temotion\tspeaker\t"), "{text}");
    assert_eq!(Corpus::load(&again).unwrap().corpus.clips(), corpus.clips());
}

#[test]
fn sides_of_a_split_and_further_columns_come_back() {
    let folder = tempdir().unwrap();
    for i in 1..=5 {
        Wav::new(i).write(folder.path().join(format!("{i}.wav")));
    }
    let text = "path;Split;emotion;speaker;Room;;Age group\n1.wav;Train;sad;a;kitchen;x;18-30\n\
                2.wav;dev;sad;b;;;\n3.wav;VAL;sad;c;;;\n4.wav;validation;sad;d;hall;;\n5.wav;test;sad;e;;;\n";
    let corpus = Corpus::load(manifest(folder.path(), text)).unwrap().corpus;
    let clips = corpus.clips();
    let sides: Vec<&str> = clips.iter().map(|c| c.split.unwrap().as_str()).collect();
    assert_eq!(
        sides,
        ["train", "validation", "validation", "validation", "test"]
    );
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        clips[0].attributes,
        [pair("Room", "kitchen"), pair("Age group", "18-30")].into()
    );
    assert_eq!(clips[3].attributes, [pair("Room", "hall")].into());

    let again = folder.path().join("again.csv");
    corpus.write_manifest(&again).unwrap();
    let header = fs::read_to_string(&again).unwrap();
    let header = header.lines().next().unwrap();
    assert!(
        header.ends_with(",synthetic,split,Age group,Room"),
        "{header}"
    );
    let again = Corpus::load(&again).unwrap().corpus;
    assert_eq!(again.clips(), clips);
    assert_eq!(again.checksum(), corpus.checksum());
    let other = text.replace("test", "train");
    let other = Corpus::load(manifest(folder.path(), &other)).unwrap();
    assert_ne!(other.corpus.checksum(), corpus.checksum());
}

#[test]
fn what_is_synthetic_stays_synthetic() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join("1.wav"));
    let path = folder.path().join("manifest.csv");
    for synthetic in [true, false] {
        let clips = vec![clip(
            folder.path().join("1.wav").to_str().unwrap(),
            "sad",
            "a",
        )];
        Corpus::new("made", synthetic, clips)
            .write_manifest(&path)
            .unwrap();
        let Scan { corpus, audit } = Corpus::load(&path).unwrap();
        assert_eq!(
            (corpus.is_synthetic(), audit.synthetic),
            (synthetic, synthetic)
        );
    }
}

#[test]
fn a_manifest_that_cannot_be_written_leaves_nothing_behind() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("taken.csv");
    fs::create_dir(&path).unwrap();
    let corpus = Corpus::new("made", false, vec![clip("1.wav", "sad", "a")]);
    assert!(matches!(corpus.write_manifest(&path), Err(Error::Io(_))));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_not_utf_8_is_refused_by_its_name_wherever_it_lies() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = tempdir().unwrap();
    let elsewhere = tempdir().unwrap();
    for place in [folder.path(), elsewhere.path()] {
        let mut clip = clip("1.wav", "sad", "a");
        clip.path = place.join(OsStr::from_bytes(b"caf\xe9.wav"));
        let corpus = Corpus::new("made", false, vec![clip]);
        let error = corpus
            .write_manifest(folder.path().join("manifest.csv"))
            .unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("caf\u{fffd}.wav: its path is not UTF-8"),
            "{said}"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn columns_in_two_cases_are_one_and_a_blank_before_a_path_is_kept() {
    let folder = tempdir().unwrap();
    let mut both = Vec::new();
    for (corpus, column, clip) in [("one", "Age", "a.wav"), ("two", "age", " b/c.wav")] {
        Wav::new(corpus.len() as i16 + both.len() as i16).write(folder.path().join(clip));
        let path = folder.path().join(format!("{corpus}.csv"));
        fs::write(
            &path,
            format!("path,emotion,speaker,{column}\n./{clip},sad,a,18\n"),
        )
        .unwrap();
        both.push(path);
    }
    let origins: Vec<Origin> = both.iter().map(|path| path.as_path().into()).collect();
    let Scan { corpus, .. } = Corpus::load_all(&origins, &LabelMap::new()).unwrap();
    let all = folder.path().join("all.csv");
    corpus.write_manifest(&all).unwrap();
    let read = Corpus::load(&all).unwrap().corpus;
    assert_eq!(read.len(), 2);
    for clip in read.clips() {
        assert_eq!(clip.attributes["Age"], "18", "{}", clip.name);
    }
}

#[test]
fn numbers_with_a_sign_are_labels_of_their_own() {
    let folder = tempdir().unwrap();
    for i in 0..3 {
        Wav::new(i).write(folder.path().join(format!("{i}.wav")));
    }
    let text = "path,emotion,speaker\n0.wav,-1,a\n1.wav,0,a\n2.wav,1,a\n";
    let corpus = Corpus::load(manifest(folder.path(), text)).unwrap().corpus;
    assert_eq!(corpus.labels(), ["-1", "0", "1"]);
}
