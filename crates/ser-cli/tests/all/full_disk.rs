//! Tests of `ser download` without space on the disk, simulated by a limit on the size of a file.

use std::fs;
use std::path::Path;
use std::process::Command;

use ser_fixtures::loopback::{serve, status};

use crate::common::complaint;
use crate::download::{answer, names_in, wav, zip_of};

/// More bytes than 1024 blocks of any shell.
const LONG: usize = 1 << 21;

/// Downloads CaFE where no file can grow beyond 1024 blocks, and returns the error output.
fn without_room(from: &str, to: &Path) -> String {
    let program = env!("CARGO_BIN_EXE_ser");
    let script =
        "trap '' XFSZ; ulimit -f 1024; exec \"$0\" download cafe --from \"$1\" --to \"$2\"";
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", script, program, from]).arg(to).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

/// Returns an archive that fits under the limit although its second recording, unpacked, does not.
fn archive_with_a_long_recording() -> Vec<u8> {
    let long = [wav(2), vec![0; LONG]].concat();
    zip_of([
        ("01-C-1-1.wav".to_owned(), wav(1)),
        ("01-C-1-2.wav".to_owned(), long),
    ])
}

#[test]
fn a_recording_without_room_is_named_and_no_part_of_the_corpus_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.zip");
    fs::write(&file, archive_with_a_long_recording()).unwrap();
    let to = folder.path().join("there/corpus");
    let said = without_room(file.to_str().unwrap(), &to);
    assert!(
        said.contains("unpacking \"01-C-1-2.wav\"") && said.contains("too large"),
        "{said}"
    );
    assert_eq!(names_in(to.parent().unwrap()), [""; 0]);
}

#[test]
fn an_archive_without_room_to_unpack_is_downloaded_once() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive_with_a_long_recording();
    let (url, server) = serve(vec![answer(&archive, archive.len())]);
    let to = folder.path().join("corpus");
    let said = without_room(&url, &to);
    assert!(said.contains("unpacking"), "{said}");
    server.join().unwrap();

    // Now there is space on the disk, but no server. 934 recordings are missing.
    let said = complaint(3, &[&"download", &"cafe", &"--from", &url, &"--to", &to]);
    assert!(said.contains("was already there"), "{said}");
    // Only the corpus is left: the archive is no longer needed.
    assert_eq!(names_in(folder.path()), ["corpus"]);
}

#[test]
fn a_download_without_room_is_kept_and_continued() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("corpus");
    let body = vec![0; LONG];
    let (url, server) = serve(vec![answer(&body, LONG), status("404 Not Found")]);
    let said = without_room(&url, &to);
    assert!(
        said.contains(".corpus.ser-downloading.part: ") && said.contains("too large"),
        "{said}"
    );
    let part = folder.path().join(".corpus.ser-downloading.part");
    let have = fs::metadata(part).unwrap().len();
    assert!(have > 0 && !to.exists());
    without_room(&url, &to);
    let asked = format!("range: bytes={have}-");
    assert!(server.join().unwrap()[1].contains(&asked));
}
