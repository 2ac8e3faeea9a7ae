//! Downloads that run out of disk space, simulated by a limit on the size of a file.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use ser_fixtures::loopback;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// More bytes than 1024 blocks of any shell.
const LONG: usize = 1 << 21;

/// Runs `cargo xtask download` where no file can grow beyond 1024 blocks, and returns its error output.
fn download_without_room(from: &str, to: &Path) -> String {
    let script = "trap '' XFSZ; ulimit -f 1024; exec \"$0\" download --from \"$1\" --to \"$2\"";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_xtask"), from])
        .arg(to)
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

/// Makes an archive of the corpus that fits under the limit although its third clip, unpacked, does not.
fn archive_with_a_long_clip(file: &Path) {
    let mut zip = ZipWriter::new(fs::File::create(file).unwrap());
    for clip in 0..1440 {
        // 24 actors speak 4 combinations of sentence and repetition in 15 ways: neutral, and 7 emotions in 2 intensities.
        let (actor, sentence, way) = (clip / 60 + 1, clip % 4, clip / 4 % 15 + 1);
        let name = format!(
            "03-01-{:02}-{:02}-{:02}-{:02}-{actor:02}.wav",
            way / 2 + 1,
            if way == 1 { 1 } else { way % 2 + 1 },
            sentence / 2 + 1,
            sentence % 2 + 1
        );
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        let length = if clip == 2 { LONG } else { 4 };
        zip.write_all(&vec![0; length]).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn a_clip_without_room_is_named_and_no_part_of_the_corpus_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.zip");
    archive_with_a_long_clip(&file);
    let to = folder.path().join("there/corpus");
    let error = download_without_room(file.to_str().unwrap(), &to);
    assert!(
        error.contains("unpacking \"03-01-01-01-02-01-01.wav\"") && error.contains("too large"),
        "{error}"
    );
    assert_eq!(fs::read_dir(to.parent().unwrap()).unwrap().count(), 0);
}

#[test]
fn an_archive_without_room_to_unpack_is_downloaded_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.zip");
    archive_with_a_long_clip(&file);
    let body = fs::read(&file).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let (url, server) = loopback::serve(vec![[head.into_bytes(), body].concat().into()]);
    let to = folder.path().join("there/corpus");
    let error = download_without_room(&url, &to);
    assert!(error.contains("unpacking"), "{error}");
    server.join().unwrap();

    // Now there is disk space, but no server.
    let mut again = Command::new(env!("CARGO_BIN_EXE_xtask"));
    again.args(["download", "--from", &url, "--to"]).arg(&to);
    assert!(again.status().unwrap().success());
    assert!(to.is_dir());
    // Only the corpus is left: the archive is no longer needed.
    assert_eq!(fs::read_dir(to.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_download_without_room_is_kept_and_continued() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("corpus");
    let head = format!(
        "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {LONG}\r\nConnection: close\r\n\r\n"
    );
    let (url, server) = loopback::serve(vec![
        [head.into_bytes(), vec![0; LONG]].concat().into(),
        loopback::status("404 Not Found"),
    ]);
    let error = download_without_room(&url, &to);
    assert!(
        error.contains(".corpus.ser-downloading.part: ") && error.contains("too large"),
        "{error}"
    );
    let part = folder.path().join(".corpus.ser-downloading.part");
    let have = fs::metadata(part).unwrap().len();
    assert!(have > 0 && !to.exists());
    download_without_room(&url, &to);
    let asked = format!("range: bytes={have}-");
    assert!(server.join().unwrap()[1].contains(&asked));
}
