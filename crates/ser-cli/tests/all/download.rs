//! Tests of `ser download`, with a web server on this machine.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use ser_data::corpora;
use ser_fixtures::loopback::{Answer, dead, serve, status};
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::common::{self, complaint, output, ser, synthetic};

/// Returns a short recording that differs for each number.
pub fn wav(number: i16) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.wav");
    ser_fixtures::write_wav(&path, 16_000, (0..100).map(|sample| number ^ sample));
    fs::read(path).unwrap()
}

pub fn zip_of(entries: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Returns the archive of CaFE as it is published: with broken accents in the names of folders, and with a text file.
fn cafe() -> Vec<u8> {
    let mut entries = vec![
        ("CaFE_48k/Readme.txt".to_owned(), b"CaFE".to_vec()),
        (
            "__MACOSX/CaFE_48k/Peur/Fort/._12-P-2-5.wav".to_owned(),
            vec![0],
        ),
    ];
    for (emotion, folder) in [
        ("C", "Col\u{160}re"),
        ("D", "D\u{201a}go\u{2013}t"),
        ("J", "Joie"),
        ("N", "Neutre"),
        ("P", "Peur"),
        ("S", "Surprise"),
        ("T", "Tristesse"),
    ] {
        let levels: &[(u8, &str)] = match emotion {
            "N" => &[(1, "")],
            _ => &[(1, "Faible/"), (2, "Fort/")],
        };
        for (level, below) in levels {
            for (actor, sentence) in (1..=12).flat_map(|actor| (1..=6).map(move |s| (actor, s))) {
                let name = format!("{actor:02}-{emotion}-{level}-{sentence}.wav");
                let content = wav(entries.len() as i16);
                entries.push((format!("CaFE_48k/{folder}/{below}{name}"), content));
            }
        }
    }
    zip_of(entries)
}

/// Returns the response with the whole file, cut off after `sent` bytes of the body.
pub fn answer(body: &[u8], sent: usize) -> Answer {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), &body[..sent]].concat().into()
}

fn rest(body: &[u8], start: usize) -> Answer {
    let (length, last, all) = (body.len() - start, body.len() - 1, body.len());
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes {start}-{last}/{all}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), &body[start..]].concat().into()
}

pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_corpus_arrives_with_its_licence_shown_and_is_not_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("there/cafe");
    let archive = cafe();
    let (url, server) = serve(vec![answer(&archive, archive.len())]);
    let call = ["download", "cafe", "--to", to.to_str().unwrap(), "--from"];
    let assert = ser().args(call).arg(&url).assert().code(0);
    let said = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    let printed = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    server.join().unwrap();

    let known = corpora::named("cafe").unwrap();
    for shown in [known.title, known.licence, known.citation, known.address] {
        let licence = said
            .find(shown)
            .unwrap_or_else(|| panic!("{shown}: {said}"));
        assert!(
            licence < said.find("from: http://127.0.0.1").unwrap(),
            "{said}"
        );
    }
    assert!(
        said.contains("no checksum of this archive is published"),
        "{said}"
    );
    assert!(
        printed.contains("CaFE: 936 of 936 recordings are in "),
        "{printed}"
    );
    assert!(printed.contains("next: ser index "), "{printed}");
    assert_eq!(names_in(to.parent().unwrap()), ["cafe"]);
    assert_eq!(names_in(&to), ["CaFE_48k"]);
    assert!(!to.join("CaFE_48k/Readme.txt").exists());

    let audit: Value = serde_json::from_str(&output(0, &[&"index", &to, &"--json"])).unwrap();
    assert_eq!(
        (&audit["known"]["name"], &audit["clips"]),
        (&"cafe".into(), &936.into())
    );
    assert_eq!(audit["skipped"], serde_json::json!([]));

    // The server no longer runs.
    let again = output(
        0,
        &[
            &"download",
            &"cafe",
            &"--to",
            &to,
            &"--from",
            &url,
            &"--json",
        ],
    );
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(
        (&again["corpus"], &again["recordings"]),
        (&"cafe".into(), &936.into())
    );
    assert_eq!(again["expected"], 936);
}

#[test]
fn a_download_that_was_cut_off_goes_on_in_the_next_call() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("cafe");
    let archive = cafe();
    let half = archive.len() / 2;
    let busy = || status("503 Busy");
    let (url, server) = serve(vec![
        answer(&archive, half),
        busy(),
        busy(),
        busy(),
        rest(&archive, half),
    ]);
    let call: [&dyn AsRef<std::ffi::OsStr>; 6] =
        [&"download", &"cafe", &"--to", &to, &"--from", &url];
    let said = complaint(1, &call);
    assert!(
        said.contains("run again later: the download continues from "),
        "{said}"
    );
    assert!(said.contains("503 Service Unavailable"), "{said}");
    assert!(!to.exists());
    let part = folder.path().join(".cafe.ser-downloading.part");
    assert_eq!(fs::metadata(part).unwrap().len(), half as u64);

    let printed = output(0, &call);
    assert!(printed.contains("936 of 936"), "{printed}");
    assert_eq!(names_in(folder.path()), ["cafe"]);
    let asked = server.join().unwrap();
    assert!(
        asked[4].contains(&format!("range: bytes={half}-")),
        "{}",
        asked[4]
    );
}

#[test]
fn another_archive_than_the_published_one_is_refused_and_nothing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let archive = zip_of([("OAF_back_angry.wav".to_owned(), wav(1))]);
    // For TESS only the checksum is published, for RAVDESS also the size.
    for (corpus, why) in [
        (
            "tess",
            "expected 1465311b24d1de704c4c63e4ccc470c7; the file was removed",
        ),
        ("ravdess", "bytes, but 208468073 are published"),
    ] {
        let to = folder.path().join(corpus);
        let (url, server) = serve(vec![answer(&archive, archive.len())]);
        let said = complaint(1, &[&"download", &corpus, &"--to", &to, &"--from", &url]);
        assert!(said.contains(why), "{said}");
        assert_eq!(names_in(folder.path()), [""; 0]);
        server.join().unwrap();
    }
}

#[test]
fn a_second_download_into_one_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("cafe");
    let lock = folder.path().join(".cafe.ser-lock");
    let first = ser_files::Lock::take(&lock).unwrap();
    assert!(first.is_some());
    let said = complaint(1, &[&"download", &"cafe", &"--to", &to, &"--from", &dead()]);
    assert!(said.contains("another program is downloading"), "{said}");
    assert!(!to.exists());
}

#[test]
fn a_server_out_of_reach_names_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("cafe");
    let said = complaint(1, &[&"download", &"cafe", &"--to", &to, &"--from", &dead()]);
    assert!(
        said.contains("no answer from") && said.contains("`--from`"),
        "{said}"
    );
    assert_eq!(names_in(folder.path()), [""; 0]);
}

#[test]
fn what_no_program_may_fetch_says_why_and_where_to_ask() {
    let folder = tempfile::tempdir().unwrap();
    for (corpus, why) in [("savee", "a registration"), ("esd", "a signed licence")] {
        let known = corpora::named(corpus).unwrap();
        let to = folder.path().join(corpus);
        let said = complaint(1, &[&"download", &corpus, &"--to", &to]);
        for shown in [why, known.licence, known.address, "--from"] {
            assert!(said.contains(shown), "{shown}: {said}");
        }
        assert_eq!(names_in(folder.path()), [""; 0]);
    }
}

#[test]
fn what_lies_in_the_folder_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("cafe");
    fs::create_dir(&to).unwrap();
    let refused = |why: &str| {
        let said = complaint(1, &[&"download", &"cafe", &"--to", &to, &"--from", &dead()]);
        assert!(said.contains(why) && said.contains("in the way"), "{said}");
        assert!(!said.contains("no answer"), "{said}");
        assert_eq!(names_in(folder.path()), ["cafe"]);
    };
    fs::write(to.join("thesis.txt"), "dear").unwrap();
    refused("holds something else");
    fs::write(to.join("01-C-1-1.wav"), wav(1)).unwrap();
    refused("holds 1 of 936 recordings");
    assert_eq!(names_in(&to), ["01-C-1-1.wav", "thesis.txt"]);
    let here = folder.path().join("here");
    fs::create_dir(&here).unwrap();
    let mut call = ser();
    call.current_dir(&here)
        .args(["download", "cafe", "--to", "."]);
    let said = call.assert().code(1);
    let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
    assert!(said.contains("--to cafe"), "{said}");
}

#[test]
fn an_archive_of_ones_own_is_taken_and_of_copies_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.zip");
    let inner = "TESS Toronto emotional speech set data";
    let copies = [
        ("OAF_Sad/OAF_back_sad.wav", 1),
        ("YAF_sad/YAF_back_sad.wav", 2),
    ];
    let nested = copies.map(|(name, n)| (format!("{inner}/{inner}/{name}"), wav(n)));
    let flat = copies.map(|(name, n)| (format!("{inner}/{name}"), wav(n)));
    fs::write(&path, zip_of(nested.into_iter().chain(flat))).unwrap();
    let to = folder.path().join("tess");
    let call: [&dyn AsRef<std::ffi::OsStr>; 6] =
        [&"download", &"tess", &"--to", &to, &"--from", &path];
    let assert = ser().args(call).assert().code(3);
    let told = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(told.contains("\n2798 are missing: "), "{told}");
    let said = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(said.contains("is not the published archive"), "{said}");
    assert_eq!(names_in(&to.join(inner)), ["OAF_Sad", "YAF_sad"]);
    assert_eq!(names_in(folder.path()), ["mine.zip", "tess"]);
}

/// Runs a download that must be refused and must leave nothing beside the archive. Returns the message.
fn refused(corpus: &str, archive: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive.zip");
    fs::write(&path, archive).unwrap();
    let to = folder.path().join("corpus");
    let said = complaint(1, &[&"download", &corpus, &"--to", &to, &"--from", &path]);
    assert_eq!(names_in(folder.path()), ["archive.zip"], "{said}");
    said
}

#[test]
fn an_archive_of_something_else_leaves_nothing() {
    let tess = zip_of([("OAF_back_angry.wav".to_owned(), wav(1))]);
    let said = refused("cafe", &tess);
    assert!(
        said.contains("holds no recording of CaFE, such as 01-C-1-1.wav"),
        "{said}"
    );

    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    let pointers = zip_of([("AudioWAV/1001_DFA_ANG_XX.wav".to_owned(), pointer.to_vec())]);
    let said = refused("crema-d", &pointers);
    assert!(said.contains("Git LFS"), "{said}");

    let voices = synthetic().join("Actor_01/03-01-01-01-01-01-01.wav");
    let made = zip_of([
        (
            "03-01-01-01-01-01-01.wav".to_owned(),
            fs::read(voices).unwrap(),
        ),
        ("SYNTHETIC.txt".to_owned(), b"made".to_vec()),
    ]);
    let said = refused("ravdess", &made);
    assert!(said.contains("holds synthetic voices"), "{said}");

    let said = refused("cafe", b"\n<html>Sign in</html>");
    assert!(said.contains("it is a web page"), "{said}");
    let said = refused("cafe", b"no such file");
    assert!(said.contains("is not a readable zip archive"), "{said}");
}

#[test]
fn an_archive_that_reaches_out_of_its_folder_is_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.start_file("01-C-1-1.wav", options).unwrap();
    zip.write_all(&wav(1)).unwrap();
    zip.add_symlink("01-C-1-2.wav", "/etc/hostname", options)
        .unwrap();
    let said = refused("cafe", &zip.finish().unwrap().into_inner());
    assert!(said.contains("a link or a special file: refused"), "{said}");
}

#[test]
fn a_folder_that_cannot_be_read_as_an_archive_says_what_to_do() {
    let said = complaint(
        1,
        &[
            &"download",
            &"ravdess",
            &"--from",
            &synthetic(),
            &"--to",
            &"nowhere",
        ],
    );
    assert!(
        said.contains("is a folder") && said.contains("ser index"),
        "{said}"
    );
}

#[test]
fn without_a_name_all_are_listed() {
    let printed = output(0, &[&"download"]);
    let lines = output(0, &[&"download", &"--json"]);
    let listed = common::lines(&lines);
    assert_eq!(listed.len(), corpora::ALL.len());
    for (known, listed) in corpora::ALL.iter().zip(&listed) {
        assert!(
            printed.contains(known.licence) && printed.contains(known.name),
            "{printed}"
        );
        assert_eq!(listed["name"], known.name);
    }
    assert!(printed.contains("ser download subesco"), "{printed}");
    assert!(
        printed.contains("https://sail.usc.edu/iemocap"),
        "{printed}"
    );
    assert_eq!(listed[0]["access"]["archive"]["size"], 208_468_073);

    let said = complaint(2, &[&"download", &"cremad"]);
    assert!(said.contains("crema-d"), "{said}");
}
