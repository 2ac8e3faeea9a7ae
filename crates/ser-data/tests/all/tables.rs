//! Tables that are barely readable, or not at all.

use std::fs;
use std::path::Path;

use ser_data::{Corpus, Scan};
use tempfile::tempdir;

use crate::fixtures::Wav;

/// Returns the error for a manifest in a folder with the recordings 1.wav and 2.wav.
fn refused(bytes: &[u8]) -> String {
    load(bytes).unwrap_err().to_string()
}

fn load(bytes: &[u8]) -> ser_data::Result<Scan> {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join("1.wav"));
    Wav::new(2).write(folder.path().join("deep/2.wav"));
    let path = folder.path().join("mine.csv");
    fs::write(&path, bytes).unwrap();
    Corpus::load(path)
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_is_no_table_and_is_not_waited_for() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let made = std::process::Command::new("mkfifo")
        .arg(at("pipe.csv"))
        .status();
    assert!(made.unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", at("zeros.csv")).unwrap();
    for name in ["pipe.csv", "zeros.csv"] {
        let refused = Corpus::load(at(name)).unwrap_err().to_string();
        assert!(refused.contains("a pipe or a device"), "{refused}");
    }
}

#[test]
fn a_table_that_is_too_large_is_not_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("mine.csv");
    fs::File::create(&path).unwrap().set_len(300 << 20).unwrap();
    let refused = Corpus::load(path).unwrap_err().to_string();
    assert!(refused.contains("at most 256 MiB"), "{refused}");
    assert!(refused.contains("found 300 MiB"), "{refused}");
}

#[test]
fn utf_16_without_a_mark_is_read() {
    let text = "path,emotion,speaker\n1.wav,sad,Zoë\n";
    let units = || text.encode_utf16();
    for bytes in [
        units().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
        units().flat_map(u16::to_be_bytes).collect(),
    ] {
        let corpus = load(&bytes).unwrap().corpus;
        assert_eq!(corpus.clips()[0].speaker, "Zoë");
    }
}

#[test]
fn another_encoding_is_named_with_what_to_do() {
    let refused = refused(b"path,emotion,speaker\n1.wav,sad,Zo\xeb\n");
    assert!(refused.contains("line 2, column `3`"), "{refused}");
    assert!(
        refused.contains("save the table in that encoding"),
        "{refused}"
    );
}

#[test]
fn a_quotation_mark_that_is_never_closed_takes_no_row_with_it() {
    for (text, line, column) in [
        ("\"1.wav,sad,a\ndeep/2.wav,sad,b\n", 2, 1),
        ("1.wav,\"sad,a\ndeep/2.wav,sad,b\n", 2, 2),
        // The row has all columns.
        ("1.wav,sad,\"a\ndeep/2.wav,sad,b\n", 2, 3),
        ("1.wav,sad,a\ndeep/2.wav,sad,\"b", 3, 3),
        ("1.wav,sad,a\n\n\ndeep/2.wav,sad,\"b\"\"\n", 5, 3),
    ] {
        let refused = refused(format!("path,emotion,speaker\n{text}").as_bytes());
        let place = format!("line {line}, column `{column}`: expected a quotation mark");
        assert!(refused.contains(&place), "{refused}");
    }
}

#[test]
fn quotation_marks_that_are_closed_or_within_a_field_are_no_reason_to_refuse() {
    for (text, speaker) in [
        ("1.wav,sad,\"a\"", "a"),
        ("1.wav,sad,\"a\"\n", "a"),
        ("1.wav,sad,\"a\"\r\n\r\n", "a"),
        ("1.wav,sad,\"a\"\"\"\n", "a\""),
        ("1.wav,sad,a\"\n", "a\""),
        ("1.wav,sad,a\"", "a\""),
        ("1.wav,sad,\"a\nb\"\n", "a\nb"),
    ] {
        let scan = load(format!("path,emotion,speaker\n{text}").as_bytes());
        let corpus = scan.unwrap().corpus;
        assert_eq!(corpus.clips()[0].speaker, speaker, "{text:?}");
    }
}

#[test]
fn a_message_does_not_grow_with_the_table() {
    let long = "ä".repeat(100_000);
    for text in [
        format!("{long}\n1.wav,sad,a\n"),
        format!("path,emotion,speaker,{long},{long}\n1.wav,sad,a,b,c\n"),
        format!("path,emotion,speaker,start\n1.wav,sad,a,{long}\n"),
        format!(
            "path,emotion,speaker\n1.wav,sad,{long}\ndeep/2.wav,sad,{}\n",
            long.to_uppercase()
        ),
    ] {
        let refused = refused(text.as_bytes());
        let letters = refused.chars().count();
        assert!(letters < 1500, "{letters}");
        assert!(refused.contains('…'), "{refused}");
    }
}

#[test]
fn a_table_without_rows_says_what_is_missing() {
    let said = refused(b"path,emotion,speaker\n");
    assert!(
        said.contains("expected a row for each clip below the header"),
        "{said}"
    );
    let said = refused(b"");
    assert!(said.contains("columns path, emotion, speaker"), "{said}");
    assert!(said.ends_with("found nothing"), "{said}");
}

#[test]
fn parts_as_short_as_may_be_follow_each_other() {
    let parts: Vec<String> = (0..40)
        .map(|i| {
            let (start, end) = (f64::from(i) / 100.0, f64::from(i + 1) / 100.0);
            format!("1.wav,sad,a,{start},{end}")
        })
        .collect();
    let text = format!("path,emotion,speaker,start,end\n{}\n", parts.join("\n"));
    let folder = tempdir().unwrap();
    // At 22 050 Hz they are rounded to 220 and 221 samples, and so they are written.
    for rate in [16_000, 22_050] {
        ser_fixtures::write_wav(&folder.path().join("1.wav"), rate, 0..12_000);
        let path = folder.path().join("mine.csv");
        fs::write(&path, &text).unwrap();
        let corpus = Corpus::load(path).unwrap().corpus;
        assert_eq!(corpus.len(), 40);
        let again = folder.path().join("again.csv");
        corpus.write_manifest(&again).unwrap();
        assert_eq!(Corpus::load(again).unwrap().corpus.clips(), corpus.clips());
    }
}

#[test]
fn a_table_from_windows_finds_its_recordings() {
    let corpus = load(b"path,emotion,speaker\ndeep\\2.wav,sad,a\n")
        .unwrap()
        .corpus;
    assert!(corpus.clips()[0].path.ends_with(Path::new("deep/2.wav")));
}
