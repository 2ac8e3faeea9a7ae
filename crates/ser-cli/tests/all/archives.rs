//! Tests of `ser predict --manifest --shard`, also with a program that is killed.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use ser_tables::{Column, Form, Kind, TableWriter, Value};

use crate::common::{self, clips, complaint, output};

/// Returns the rows of the manifest: recordings, parts of recordings, and rows that cannot be answered.
fn rows() -> Vec<(String, String, Option<f64>)> {
    let clips = clips(1, 6);
    let row = |n: usize| {
        let clip = &clips[n % clips.len()];
        let (path, start) = match n % 10 {
            7 => (PathBuf::from("gone.wav"), None),
            8 => (clip.clone(), Some(1000.0)),
            _ => (clip.clone(), Some(n as f64 / 1000.0)),
        };
        (format!("row {n}"), path.display().to_string(), start)
    };
    (0..240).map(row).collect()
}

fn manifest(folder: &Path, form: Form) -> PathBuf {
    let name = match form {
        Form::Csv => "manifest.csv",
        Form::Parquet => "manifest.parquet",
    };
    let columns = [
        ("path", Kind::Text),
        ("id", Kind::Text),
        ("start", Kind::Double),
    ];
    let columns = columns.map(|(name, kind)| Column::new(name, kind));
    let path = folder.join(name);
    let mut table = TableWriter::new(File::create(&path).unwrap(), form, &columns).unwrap();
    for (id, path, start) in rows() {
        let start = start.map_or(Value::Missing, Value::Double);
        table
            .row(&[Value::Text(&path), Value::Text(&id), start])
            .unwrap();
    }
    table.finish().unwrap();
    path
}

/// Returns the arguments of a call on a manifest.
fn words<'w>(
    manifest: &'w impl AsRef<OsStr>,
    shard: &'w &'w str,
    out: &'w impl AsRef<OsStr>,
) -> [&'w dyn AsRef<OsStr>; 7] {
    [
        &"predict",
        &"--manifest",
        manifest,
        &"--shard",
        shard,
        &"--out",
        out,
    ]
}

/// Returns the rows of all files of answers in a folder, each as text, sorted.
fn answers(out: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for file in fs::read_dir(out).unwrap() {
        let path = file.unwrap().path();
        match Form::of(&path) {
            Some(Form::Parquet) => {
                let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
                let rows = reader.get_row_iter(None).unwrap();
                all.extend(rows.map(|row| row.unwrap().to_string()));
            }
            Some(Form::Csv) => {
                let text = fs::read_to_string(&path).unwrap();
                all.extend(text.lines().skip(1).map(str::to_owned));
            }
            None => {}
        }
    }
    all.sort();
    all
}

/// Starts a call, and returns it once it has begun to answer a shard.
fn begun(words: &[&dyn AsRef<OsStr>], out: &Path) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_ser"))
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while unfinished(out).is_none() {
        assert!(began.elapsed() < Duration::from_secs(120), "not begun");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(20));
    child
}

fn unfinished(out: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(out).into_iter().flatten();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths.find(|path| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with(".unfinished-shard")
    })
}

fn signal(child: &Child, signal: &str) {
    let words = ["-s", signal, &child.id().to_string()];
    assert!(Command::new("kill").args(words).status().unwrap().success());
}

#[test]
fn shards_that_are_killed_and_run_again_are_the_rows_of_one_call() {
    let folder = tempfile::tempdir().unwrap();
    for form in [Form::Csv, Form::Parquet] {
        let manifest = manifest(folder.path(), form);
        let (whole, out) = (folder.path().join("whole"), folder.path().join("out"));
        let told = output(0, &words(&manifest, &"0/1", &whole));
        assert!(told.contains("answered 192 recordings"), "{told}");
        assert!(
            told.contains("skipped 48: 24 could not be opened, 24 for another reason"),
            "{told}"
        );
        for shard in ["0/3", "2/3"] {
            output(0, &words(&manifest, &shard, &out));
        }
        for after in [0, 100, 400] {
            let mut child = begun(&words(&manifest, &"1/3", &out), &out);
            std::thread::sleep(Duration::from_millis(after));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let told = output(0, &words(&manifest, &"1/3", &out));
        assert!(
            told.contains("answered") && told.contains("shard-1-of-3"),
            "{told}"
        );
        let told = output(0, &words(&manifest, &"1/3", &out));
        assert!(told.contains("answered before"), "{told}");
        let rows = answers(&whole);
        assert_eq!(rows.len(), 240);
        assert_eq!(answers(&out), rows);
        assert_eq!(
            fs::read_dir(&out).unwrap().count(),
            4,
            "nothing else is left"
        );
        fs::remove_dir_all(whole).unwrap();
        fs::remove_dir_all(out).unwrap();
    }
}

#[test]
fn a_shard_that_another_call_answers_is_not_begun_and_a_killed_one_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest(folder.path(), Form::Parquet);
    let out = folder.path().join("out");
    let words = words(&manifest, &"0/1", &out);
    let mut child = begun(&words, &out);
    signal(&child, "STOP");
    assert!(unfinished(&out).is_some(), "it stands still over its shard");
    let said = complaint(1, &words);
    assert!(
        said.contains("another `ser predict` is answering shard 0/1"),
        "{said}"
    );
    signal(&child, "KILL");
    child.wait().unwrap();
    let told = output(0, &words);
    assert!(told.contains("answered 192 recordings"), "{told}");
    assert_eq!(unfinished(&out), None);
}

#[test]
fn another_manifest_or_number_of_shards_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let manifest = folder.path().join("manifest.csv");
    fs::write(&manifest, "path\ngone.wav\nnor.wav\n").unwrap();
    output(0, &words(&manifest, &"0/2", &out));
    let before = answers(&out);
    let said = complaint(1, &words(&manifest, &"0/1", &out));
    assert!(
        said.contains("number of shards: expected 1, found 2"),
        "{said}"
    );
    fs::write(&manifest, "path\ngone.wav\nother.wav\n").unwrap();
    let said = complaint(1, &words(&manifest, &"1/2", &out));
    assert!(
        said.contains("_archive.json") && said.contains("manifest"),
        "{said}"
    );
    fs::write(&manifest, "path,speaker\ngone.wav,nobody-of-that-name\n").unwrap();
    let said = complaint(1, &words(&manifest, &"1/2", &out));
    assert!(
        said.contains("nobody is enrolled as nobody-of-that-name"),
        "{said}"
    );
    let said = complaint(1, &words(&manifest, &"1/2", &out.with_extension("csv")));
    assert!(said.contains("--out is a folder"), "{said}");
    assert_eq!(answers(&out), before);
    complaint(2, &words(&manifest, &"2/2", &out));
    complaint(2, &[&"predict", &"--manifest", &manifest]);
    complaint(2, &[&"predict", &"a.wav", &"--shard", &"0/2"]);
}

#[test]
fn a_recording_has_the_answer_that_predict_prints() {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, out) = (folder.path().join("m.parquet"), folder.path().join("out"));
    let columns = [Column::new("path", Kind::Text)];
    let file = File::create(&manifest).unwrap();
    let mut table = TableWriter::new(file, Form::Parquet, &columns).unwrap();
    let clip = clips(1, 1).remove(0);
    table.row(&[Value::Text(clip.to_str().unwrap())]).unwrap();
    table.finish().unwrap();
    output(0, &[&"predict", &"--manifest", &manifest, &"--out", &out]);
    let printed = common::lines(&output(0, &[&"predict", &clip, &"--json"])).remove(0);
    let file = File::open(out.join("shard-0-of-1.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let row = reader.get_row_iter(None).unwrap().next().unwrap().unwrap();
    let field = |name: &str| {
        row.get_column_iter()
            .find(|(found, _)| *found == name)
            .unwrap()
            .1
    };
    assert_eq!(*field("id"), Field::Str(clip.display().to_string()));
    let emotion = printed["emotion"].as_str().unwrap();
    assert_eq!(*field("label"), Field::Str(emotion.to_owned()));
    let confidence = printed["confidence"].as_f64().unwrap() as f32;
    assert_eq!(
        *field(&format!("probability_{emotion}")),
        Field::Float(confidence)
    );
    assert_eq!(*field("error"), Field::Null);
}

#[test]
fn the_template_for_slurm_answers_the_shard_of_its_task() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("manifest.csv");
    let out = folder.path().join("out");
    fs::write(&manifest, "path\na.wav\nb.wav\nc.wav\n").unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/archives/slurm.sh");
    let program = Path::new(env!("CARGO_BIN_EXE_ser")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    for task in ["0", "1"] {
        let ended = Command::new(script)
            .args([&manifest, &out])
            .env("PATH", format!("{}:{path}", program.display()))
            .env("SLURM_ARRAY_TASK_ID", task)
            .env("SHARDS", "2")
            .output()
            .unwrap();
        assert!(ended.status.success(), "{ended:?}");
    }
    assert_eq!(answers(&out).len(), 3);
}
