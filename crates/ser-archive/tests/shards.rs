//! The folder of shards: which call may write to it, and which program answers which shard.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use ser_archive::{Answerer, Archive, Done, HEADING, Manifest};
use ser_predict::Predictor;
use ser_tables::Form;

fn answerer() -> Answerer {
    Answerer::new(Predictor::built_in().unwrap(), BTreeMap::new())
}

/// Writes a manifest of recordings that do not exist, which are answered quickly.
fn manifest(folder: &Path, rows: usize, shard: &str) -> Manifest {
    let path: PathBuf = folder.join(format!("{rows}.csv"));
    let lines = (0..rows).map(|row| format!("{row}.wav\n"));
    fs::write(&path, "path\n".to_owned() + &lines.collect::<String>()).unwrap();
    Manifest::read(&path, None, shard.parse().unwrap()).unwrap()
}

#[test]
fn of_many_who_answer_all_shards_each_shard_is_answered_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/answers");
    let answerer = answerer();
    let manifests: Vec<_> = (0..5)
        .map(|k| manifest(folder.path(), 303, &format!("{k}/5")))
        .collect();
    let (written, told) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for manifest in &manifests {
                    let archive = Archive::open(&out, manifest, &answerer, Form::Csv).unwrap();
                    let done = archive.answer(manifest, &answerer, |_| {
                        told.fetch_add(1, Ordering::Relaxed);
                    });
                    if let Done::Written(path) = done.unwrap() {
                        assert_eq!(path, archive.path(manifest.shard));
                        written.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!((written.into_inner(), told.into_inner()), (5, 303));
    let mut names: Vec<String> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let shards = (0..5).map(|k| format!("shard-{k}-of-5.csv"));
    let expected: Vec<String> = [HEADING.to_owned()].into_iter().chain(shards).collect();
    assert_eq!(names, expected);
    let rows = names.iter().filter(|name| name.starts_with("shard"));
    let rows = rows.map(|name| fs::read_to_string(out.join(name)).unwrap().lines().count() - 1);
    assert_eq!(rows.sum::<usize>(), 303);
}

#[test]
fn a_folder_of_other_answers_is_refused_with_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("answers");
    let (answerer, manifest) = (answerer(), manifest(folder.path(), 3, "0/2"));
    Archive::open(&out, &manifest, &answerer, Form::Csv).unwrap();
    let refused = |manifest: &Manifest, answerer: &Answerer, form| {
        let refused = Archive::open(&out, manifest, answerer, form);
        refused.unwrap_err().to_string()
    };
    let restricted = answerer
        .predictor()
        .restricted_to(&["sad", "happy"])
        .unwrap();
    let restricted = Answerer::new(restricted, BTreeMap::new());
    let other = |rows, shard| self::manifest(folder.path(), rows, shard);
    for (what, said) in [
        (
            "manifest or root: expected 4 rows",
            refused(&other(4, "0/2"), &answerer, Form::Csv),
        ),
        (
            "number of shards: expected 3, found 2",
            refused(&other(3, "0/3"), &answerer, Form::Csv),
        ),
        (
            "file format: expected parquet, found csv",
            refused(&manifest, &answerer, Form::Parquet),
        ),
        (
            "model: expected",
            refused(&manifest, &restricted, Form::Csv),
        ),
    ] {
        assert!(
            said.contains(what) && said.contains(HEADING),
            "{what}: {said}"
        );
        assert!(said.contains("name another folder"), "{said}");
    }
    Archive::open(&out, &other(3, "1/2"), &answerer, Form::Csv).unwrap();
    fs::write(out.join(HEADING), "{}").unwrap();
    let said = refused(&manifest, &answerer, Form::Csv);
    assert!(said.contains("something else"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_link_to_itself_is_a_row_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("loop.wav", folder.path().join("loop.wav")).unwrap();
    let path = folder.path().join("m.csv");
    fs::write(&path, "path\ngone.wav\nloop.wav\n").unwrap();
    let manifest = Manifest::read(&path, None, "0/1".parse().unwrap()).unwrap();
    let answerer = answerer();
    let out = folder.path().join("answers");
    let archive = Archive::open(&out, &manifest, &answerer, Form::Csv).unwrap();
    let done = archive.answer(&manifest, &answerer, |_| ()).unwrap();
    let shard = archive.path(manifest.shard);
    assert_eq!(done, Done::Written(shard.clone()));
    let text = fs::read_to_string(shard).unwrap();
    assert!(
        text.contains("loop.wav: Too many levels of symbolic links"),
        "{text}"
    );
}

/// A regular file whose bytes cannot be read, as on a disk that fails.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fails_ends_the_call_and_writes_no_shard() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("answers");
    let path = folder.path().join("m.csv");
    fs::write(&path, "path\ngone.wav\n/proc/self/mem\n").unwrap();
    let manifest = Manifest::read(&path, None, "0/1".parse().unwrap()).unwrap();
    let answerer = answerer();
    let archive = Archive::open(&out, &manifest, &answerer, Form::Csv).unwrap();
    let said = archive.answer(&manifest, &answerer, |_| ()).unwrap_err();
    let said = said.to_string();
    assert!(
        said.contains("/proc/self/mem: Input/output error"),
        "{said}"
    );
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
}
