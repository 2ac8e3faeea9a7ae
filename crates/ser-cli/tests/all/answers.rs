//! Tests of `ser predict --out`, also with a program that is stopped.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{clips, complaint, lines, output, read, ser, tone, words};

#[test]
fn a_file_holds_what_would_be_printed() {
    let folder = tempfile::tempdir().unwrap();
    let files = clips(1, 5);
    let out = |name: &str| folder.path().join(name);
    let (csv, json, jsonl) = (out("a.csv"), out("a.json"), out("a.jsonl"));
    let told = output(0, &words(&files, &[&"--out", &csv]));
    assert!(told.contains("answered 5 recordings"), "{told}");
    assert!(
        told.contains("written: ") && !told.contains("confidence |"),
        "{told}"
    );
    output(0, &words(&files, &[&"--out", &json]));
    output(0, &words(&files, &[&"--out", &jsonl]));
    assert_eq!(read(&csv), output(0, &words(&files, &[&"--csv"])));
    assert_eq!(read(&jsonl), output(0, &words(&files, &[&"--json"])));
    let parquet = out("a.parquet");
    output(0, &words(&files, &[&"--out", &parquet]));
    let bytes = fs::read(&parquet).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    fs::remove_file(parquet).unwrap();
    let array: Vec<Value> = serde_json::from_str(&read(&json)).unwrap();
    assert_eq!(array, lines(&read(&jsonl)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);

    let said = complaint(1, &words(&files, &[&"--out", &out("a.xlsx")]));
    assert!(said.contains(".csv") && said.contains(".jsonl"), "{said}");
    complaint(2, &words(&files, &[&"--csv", &"--out", &csv]));
    complaint(2, &words(&files, &[&"--json", &"--out", &csv]));
    let before = words(&files, &[&"--out", &csv]);
    complaint(2, &[&[&"--json" as &dyn AsRef<OsStr>], &*before].concat());
}

#[test]
fn a_recording_is_answered_once_however_often_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.csv");
    let clip = clips(1, 1).remove(0);
    let files = [clip.clone(), clip];
    output(0, &words(&files, &[&"--out", &out]));
    assert_eq!(read(&out).lines().count(), 2);
}

/// Starts a call, and returns it once it has answered all recordings and waits for one more from standard input.
fn waiting(files: &[PathBuf], out: &Path) -> Child {
    started(Command::new(env!("CARGO_BIN_EXE_ser")), files, out)
}

/// Does the same with a command that runs the program.
fn started(mut program: Command, files: &[PathBuf], out: &Path) -> Child {
    let child = program
        .args(words(files, &[&"-", &"--out", &out]))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while fs::read_to_string(unfinished(out)).map_or(0, |text| text.lines().count())
        < 1 + files.len()
    {
        assert!(began.elapsed() < Duration::from_secs(120), "no answers");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn unfinished(out: &Path) -> PathBuf {
    out.with_added_extension("unfinished")
}

#[cfg(unix)]
#[test]
fn answers_of_a_stopped_call_outlive_a_drive_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let (drive, out) = (folder.path().join("drive"), folder.path().join("a.csv"));
    fs::create_dir(&drive).unwrap();
    let files: Vec<PathBuf> = clips(1, 2)
        .iter()
        .map(|clip| drive.join(clip.file_name().unwrap()))
        .collect();
    for (clip, file) in clips(1, 2).iter().zip(&files) {
        fs::copy(clip, file).unwrap();
    }
    let mut child = waiting(&files, &out);
    child.kill().unwrap();
    child.wait().unwrap();
    let begun = read(&unfinished(&out));
    fs::rename(&drive, folder.path().join("away")).unwrap();
    complaint(1, &words(&files, &[&"--out", &out]));
    assert_eq!(read(&unfinished(&out)), begun);
    fs::rename(folder.path().join("away"), &drive).unwrap();
    let said = complaint(0, &words(&files, &[&"--out", &out]));
    assert!(said.contains("2 recordings of 2 answered before"), "{said}");
    assert_eq!(read(&out).lines().count(), 3);
}

/// Makes the call again, with a recording on standard input. Returns the exit code and the text on standard error.
fn again(files: &[PathBuf], out: &Path, more: &[&dyn AsRef<OsStr>]) -> (i32, String) {
    let mut all: Vec<&dyn AsRef<OsStr>> = vec![&"-", &"--out", &out];
    all.extend(more);
    let ended = ser()
        .args(words(files, &all))
        .write_stdin(fs::read(&clips(1, 4)[3]).unwrap())
        .output()
        .unwrap();
    (
        ended.status.code().unwrap(),
        String::from_utf8(ended.stderr).unwrap(),
    )
}

#[cfg(unix)]
#[test]
fn a_call_that_was_stopped_goes_on_and_ends_with_the_same_bytes() {
    use std::os::unix::process::ExitStatusExt;

    let folder = tempfile::tempdir().unwrap();
    let files = clips(1, 3);
    let whole = folder.path().join("whole.csv");
    again(&files, &whole, &[]);
    for (signal, code) in [("INT", Some(130)), ("KILL", None)] {
        let out = folder.path().join(format!("{signal}.csv"));
        let mut child = waiting(&files, &out);
        // Waiting for the child closes its standard input, after which it might finish before the signal arrives.
        let input = child.stdin.take();
        let id = child.id().to_string();
        Command::new("kill")
            .args(["-s", signal, &id])
            .status()
            .unwrap();
        let ended = child.wait().unwrap();
        drop(input);
        assert_eq!(ended.code(), code);
        assert_eq!(ended.signal().is_some(), code.is_none());
        assert!(!out.exists(), "half-written under its final name");

        // The last line is torn, as after a full disk or a crash of the machine.
        let torn = read(&unfinished(&out));
        let torn = &torn[..torn.len() - 10];
        fs::write(unfinished(&out), torn).unwrap();
        let (code, said) = again(&files, &out, &[]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("2 recordings of 4 answered before"), "{said}");
        assert_eq!(read(&out), read(&whole));
        assert!(!unfinished(&out).exists());
    }
    // If the file is cut off within its first line, the call starts again.
    let out = folder.path().join("KILL.csv");
    fs::write(unfinished(&out), "{\"format\":").unwrap();
    let (code, said) = again(&files, &out, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("answered before"), "{said}");
    assert_eq!(read(&out), read(&whole));
}

#[cfg(unix)]
#[test]
fn under_nohup_a_hangup_stops_nothing_and_ctrl_c_still_does() {
    use std::io::Write;

    let folder = tempfile::tempdir().unwrap();
    let files = clips(1, 2);
    for (signal, code) in [("HUP", Some(0)), ("INT", Some(130))] {
        let mut shell = Command::new("sh");
        let script = "trap '' HUP; exec \"$0\" \"$@\"";
        shell.args(["-c", script, env!("CARGO_BIN_EXE_ser")]);
        let mut child = started(shell, &files, &folder.path().join(format!("{signal}.csv")));
        let mut input = child.stdin.take().unwrap();
        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success());
        // If the signal ended the program, nobody reads this recording.
        let _ = input.write_all(&fs::read(&clips(1, 4)[3]).unwrap());
        drop(input);
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), code, "{signal}");
    }
}

#[test]
fn answers_of_another_model_speaker_channel_or_choice_of_labels_are_not_mixed_in() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.csv");
    let files = clips(1, 2);
    let mut child = waiting(&files, &out);
    let (code, said) = again(&files, &out, &[]);
    assert_eq!(code, 1);
    assert!(
        said.contains("another `ser predict` is writing this file"),
        "{said}"
    );
    child.kill().unwrap();
    child.wait().unwrap();

    let begun = read(&unfinished(&out));
    let of_another = begun.replacen("\"weights\":\"", "\"weights\":\"0", 1);
    assert_ne!(of_another, begun);
    let other: [(&str, String, &[&dyn AsRef<OsStr>]); 4] = [
        ("model", of_another, &[]),
        ("speaker", begun.clone(), &[&"--enroll", &files[0]]),
        ("channel", begun.clone(), &[&"--channel", &"1"]),
        ("labels", begun, &[&"--labels", &"sad, happy"]),
    ];
    for (what, begun, more) in other {
        fs::write(unfinished(&out), &begun).unwrap();
        let (code, said) = again(&files, &out, more);
        assert_eq!(code, 1, "{said}");
        for part in [
            "a.csv.unfinished",
            what,
            "expected",
            "remove it",
            "another --out",
        ] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
        assert_eq!(read(&unfinished(&out)), begun, "{what}");
    }
    fs::write(unfinished(&out), "my notes\n").unwrap();
    let (code, said) = again(&files, &out, &[]);
    assert_eq!(code, 1);
    assert!(said.contains("remove it"), "{said}");
    assert_eq!(read(&unfinished(&out)), "my notes\n");
    assert!(!out.exists());
}

#[test]
fn recordings_that_are_no_longer_asked_for_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.csv");
    let files = clips(1, 3);
    let mut child = waiting(&files, &out);
    child.kill().unwrap();
    child.wait().unwrap();
    let less = &files[1..];
    output(0, &words(less, &[&"--out", &out]));
    assert_eq!(read(&out), output(0, &words(less, &[&"--csv"])));
}

#[test]
fn a_recording_that_has_changed_since_is_answered_again() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.csv");
    let files: Vec<PathBuf> = ["a.wav", "b.wav"]
        .map(|name| folder.path().join(name))
        .into();
    let clips = clips(1, 4);
    for (file, clip) in files.iter().zip(&clips) {
        fs::copy(clip, file).unwrap();
    }
    let mut child = waiting(&files, &out);
    child.kill().unwrap();
    child.wait().unwrap();
    fs::copy(&clips[2], &files[0]).unwrap();
    let (code, said) = again(&files, &out, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("1 recording of 3 answered before"), "{said}");
    let anew = output(0, &words(&files, &[&"--csv"]));
    assert!(read(&out).starts_with(&anew), "{}", read(&out));
}

#[test]
fn without_an_answer_there_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.wav");
    tone(&empty, 0.0, 0.0);
    let out = folder.path().join("a.csv");
    complaint(1, &[&"predict", &empty, &"--out", &out]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn no_file_name_is_a_formula_in_a_spreadsheet() {
    let folder = tempfile::tempdir().unwrap();
    let name = "=HYPERLINK(1).wav";
    fs::copy(&clips(1, 1)[0], folder.path().join(name)).unwrap();
    let run = |words: &[&str]| {
        let ended = ser().current_dir(&folder).args(words).assert().success();
        String::from_utf8(ended.get_output().stdout.clone()).unwrap()
    };
    run(&["predict", name, "--out", "a.csv"]);
    let printed = run(&["predict", name, "--csv"]);
    let kept = read(&folder.path().join("a.csv"));
    assert_eq!(kept, printed);
    let row = kept.lines().nth(1).unwrap();
    assert!(row.starts_with("./=HYPERLINK(1).wav,"), "{row}");
    let object = lines(&run(&["predict", name, "--json"])).remove(0);
    assert_eq!(object["file"], name);
}
