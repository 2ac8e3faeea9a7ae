//! Tests of `ser predict --adapt`, which standardises the recordings of a collection by their average.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{clips, complaint, lines, output, read, ser, tone, words};

#[test]
fn a_collection_is_enrolled_as_one_speaker_would_be_on_any_number_of_threads() {
    let files = clips(1, 9);
    let adapted = output(0, &words(&files, &[&"--json", &"--adapt"]));
    let mut more: Vec<&dyn AsRef<OsStr>> = vec![&"--json", &"--enroll"];
    more.extend(files.iter().map(|file| file as &dyn AsRef<OsStr>));
    assert_eq!(adapted, output(0, &words(&files, &more)));
    assert_ne!(adapted, output(0, &words(&files, &[&"--json"])));
    assert_eq!(lines(&adapted).len(), 9);
    for threads in ["1", "3"] {
        let mut program = ser();
        let program = program.args(words(&files, &[&"--json", &"--adapt"]));
        let ended = program.env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert_eq!(String::from_utf8(ended.stdout).unwrap(), adapted);
    }
}

#[test]
fn what_the_answers_rest_on_is_said() {
    let files = clips(1, 8);
    let told = output(0, &words(&files, &[&"--adapt"]));
    for part in [
        "adapted to the collection: 8 recordings, ",
        "emotions are mixed",
        "in a collection of one emotion it removes that emotion",
        // Some of these are uncertain.
        "on validation clips",
        "measured with each speaker enrolled, not with a collection",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    let said = complaint(0, &words(&files, &[&"--adapt", &"--csv"]));
    assert!(said.contains("emotions are mixed"), "{said}");
    let told = output(0, &words(&files, &[]));
    assert!(
        told.contains("on validation clips") && !told.contains("collection"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_used_is_named_once_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = clips(2, 4)
        .iter()
        .map(|clip| {
            let copy = folder.path().join(clip.file_name().unwrap());
            fs::copy(clip, &copy).unwrap();
            copy
        })
        .collect();
    let alone = output(0, &words(&files, &[&"--adapt", &"--csv"]));
    tone(&folder.path().join("silent.wav"), 0.0, 2.0);
    let cut = &fs::read(&files[0]).unwrap()[..20];
    fs::write(folder.path().join("cut.wav"), cut).unwrap();
    let words: [&dyn AsRef<OsStr>; 4] = [&"predict", &folder.path(), &"--adapt", &"--csv"];
    assert_eq!(output(3, &words), alone);
    let said = complaint(3, &words);
    assert_eq!(said.matches("skipped: ").count(), 2, "{said}");
    for name in ["silent.wav: no speech was found", "cut.wav: "] {
        assert_eq!(said.matches(name).count(), 1, "{said}");
    }
    let became = "skipped 2: 1 damaged, 1 without speech";
    assert!(said.trim_end().ends_with(became), "{said}");

    // With one recording fewer, there are too few.
    fs::remove_file(&files[0]).unwrap();
    let said = complaint(1, &words);
    let expected = "expected 4 recordings or more in which somebody speaks, found 3: ";
    for part in [expected, "without --adapt", "--enroll"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert_eq!(output(1, &words), "");
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_any_recording_is_decoded() {
    let folder = tempfile::tempdir().unwrap();
    // With three recordings --adapt fails as well, but only after it has decoded them.
    let files = clips(1, 3);
    let table = folder.path().join("a.xlsx");
    let said = complaint(1, &words(&files, &[&"--adapt", &"--out", &table]));
    assert!(said.contains(".csv"), "{said}");
    let nowhere = folder.path().join("nowhere/a.csv");
    let said = complaint(1, &words(&files, &[&"--adapt", &"--out", &nowhere]));
    assert!(said.contains("nowhere"), "{said}");
}

#[test]
fn what_can_be_read_once_is_no_part_of_a_collection_and_one_thing_is_adapted_to() {
    let files = clips(1, 5);
    let said = complaint(1, &words(&files, &[&"-", &"--adapt"]));
    assert!(said.contains("save it as a file first"), "{said}");
    for other in ["--speaker", "--enroll", "--manifest"] {
        let said = complaint(2, &words(&files, &[&"--adapt", &other, &files[0]]));
        assert!(said.contains("cannot be used with"), "{said}");
    }
}

#[test]
fn a_call_that_was_stopped_goes_on_with_the_same_collection_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, out) = (folder.path().join("whole.csv"), folder.path().join("a.csv"));
    let unfinished = out.with_added_extension("unfinished");
    let files = clips(1, 40);
    output(0, &words(&files, &[&"--adapt", &"--out", &whole]));

    let mut child = Command::new(env!("CARGO_BIN_EXE_ser"))
        .args(words(&files, &[&"--adapt", &"--out", &out]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while fs::read_to_string(&unfinished).map_or(0, |text| text.lines().count()) < 4 {
        assert!(began.elapsed() < Duration::from_secs(120), "no answers");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let begun = read(&unfinished);

    let fewer = complaint(1, &words(&files[1..], &[&"--adapt", &"--out", &out]));
    let none = complaint(1, &words(&files, &[&"--out", &out]));
    for (said, found) in [(&fewer, "39 recordings"), (&none, "no enrolled speaker")] {
        for part in [
            "a.csv.unfinished",
            "collection",
            "none may be added, removed or changed",
            found,
            "40 recordings",
            "remove it",
            "another --out",
        ] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    }
    assert_eq!(read(&unfinished), begun);

    let said = complaint(0, &words(&files, &[&"--adapt", &"--out", &out]));
    assert!(said.contains("of 40 answered before"), "{said}");
    assert_eq!(read(&out), read(&whole));
    assert!(!unfinished.exists());
}
