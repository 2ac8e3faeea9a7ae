//! Tests of `ser enroll` and `ser speakers`, each with its own home folder.

use std::ffi::OsStr;
use std::fs;

use crate::common::{clips, lines, long, ser};

/// A user without any speakers.
struct User(tempfile::TempDir);

impl User {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Returns standard output and standard error of a call that must end with `code`.
    fn run(&self, code: i32, words: &[&dyn AsRef<OsStr>]) -> (String, String) {
        let ended = ser()
            .args(words)
            .env("XDG_DATA_HOME", self.0.path())
            .env("HOME", self.0.path())
            .assert()
            .code(code);
        let ended = ended.get_output();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(&ended.stdout), text(&ended.stderr))
    }
}

#[test]
fn a_speaker_is_remembered_by_name() {
    let user = User::new();
    let known = clips(2, 8);
    let file = clips(2, 9).remove(8);
    let (_, said) = user.run(1, &[&"predict", &"--speaker", &"anna", &file]);
    assert!(said.contains("ser enroll anna"), "{said}");

    let mut words: Vec<&dyn AsRef<OsStr>> = vec![&"enroll", &"anna"];
    words.extend(known.iter().map(|f| f as &dyn AsRef<OsStr>));
    let (told, _) = user.run(0, &words);
    assert!(told.contains("s of speech in 8 recordings"), "{told}");
    let by_name = user
        .run(0, &[&"--json", &"predict", &"--speaker", &"anna", &file])
        .0;
    let plain = user.run(0, &[&"--json", &"predict", &file]).0;
    let mut words: Vec<&dyn AsRef<OsStr>> = vec![&"--json", &"predict", &file, &"--enroll"];
    words.extend(known.iter().map(|f| f as &dyn AsRef<OsStr>));
    let by_files = user.run(0, &words).0;
    let p = |text: &str| lines(text).remove(0)["probabilities"].clone();
    assert_eq!(p(&by_name), p(&by_files));
    assert_ne!(p(&by_name), p(&plain));

    let (_, said) = user.run(1, &[&"enroll", &"../anna", &file]);
    assert!(said.contains("not a valid name for a speaker"), "{said}");
}

#[test]
fn what_a_damaged_recording_lacks_is_said_of_enrolment_too() {
    let user = User::new();
    let [whole, other] = clips(1, 2).try_into().unwrap();
    let bytes = fs::read(other).unwrap();
    let cut = user.0.path().join("cut.wav");
    fs::write(&cut, &bytes[..bytes.len() - 2000]).unwrap();
    for call in [
        &[&"enroll" as &dyn AsRef<OsStr>, &"anna", &whole, &cut][..],
        &[&"predict", &whole, &"--enroll", &cut],
    ] {
        let (_, said) = user.run(0, call);
        assert!(
            said.contains("damaged: ") && said.contains("cut.wav: cut short"),
            "{said}"
        );
        assert_eq!(said.matches("damaged: ").count(), 1, "{said}");
    }
}

#[test]
fn seconds_of_speech_count_and_not_recordings() {
    let user = User::new();
    let little = clips(1, 1).remove(0);
    let (told, warned) = user.run(0, &[&"enroll", &"anna", &little]);
    assert!(told.contains("s of speech in 1 recording:"), "{told}");
    assert!(warned.contains("hardly helps"), "{warned}");
    let once: [&dyn AsRef<OsStr>; 4] = [&"predict", &little, &"--enroll", &little];
    assert!(user.run(0, &once).1.contains("hardly helps"));
    let of_one = user.run(0, &[&"--json", &"enroll", &"anna", &little]).0;
    let of_one = lines(&of_one)[0]["seconds"].as_f64().unwrap();

    // As long as twelve clips, but one recording.
    let much = user.0.path().join("long.wav");
    long(&much, &clips(1, 12));
    let (told, warned) = user.run(0, &[&"enroll", &"anna", &much]);
    assert!(
        told.contains("in place of the earlier recordings"),
        "{told}"
    );
    assert!(!warned.contains("hardly helps"), "{warned}");
    let each: [&dyn AsRef<OsStr>; 6] = [
        &"timeline",
        &much,
        &"--channel",
        &"each",
        &"--speaker",
        &"anna",
    ];
    let said = user.run(1, &each).1;
    assert!(said.contains("--channel 1 --speaker NAME"), "{said}");
    let told = user.run(0, &[&"--json", &"enroll", &"anna", &much]).0;
    let told = lines(&told).remove(0);
    // Its pieces count, as in the service, the page and Python.
    assert!(told["clips"].as_u64().unwrap() > 1, "{told}");
    let seconds = told["seconds"].as_f64().unwrap();
    assert!(seconds > 8.0 * of_one && seconds < 16.0 * of_one, "{told}");
}

#[test]
fn speakers_are_listed_and_forgotten() {
    let user = User::new();
    let (told, _) = user.run(0, &[&"speakers"]);
    assert!(
        told.contains("nobody is enrolled") && told.contains("ser enroll"),
        "{told}"
    );
    assert_eq!(user.run(0, &[&"speakers", &"--json"]).0, "");
    let (_, said) = user.run(1, &[&"speakers", &"--forget", &"anna"]);
    assert!(said.contains("nobody is enrolled as anna"), "{said}");
    assert!(said.contains("no other speaker is enrolled"), "{said}");

    let clip = clips(1, 1).remove(0);
    for name in ["carl", "anna"] {
        user.run(0, &[&"enroll", &name, &clip]);
    }
    let kept = |speaker: &serde_json::Value| speaker["file"].as_str().unwrap().to_owned();
    let listed = lines(&user.run(0, &[&"speakers", &"--json"]).0);
    let names: Vec<&str> = listed.iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["anna", "carl"]);
    assert_eq!(listed[0]["model"], "robust");
    let date = listed[0]["enrolled"].as_str().unwrap();
    assert!(date.starts_with("20") && date.ends_with('Z'), "{date}");
    fs::write(kept(&listed[1]), "{").unwrap();
    let (told, _) = user.run(0, &[&"speakers"]);
    for part in ["anna", "robust", "carl", "unknown", &kept(&listed[0])] {
        assert!(told.contains(part), "{part} is not in {told}");
    }

    let (_, said) = user.run(1, &[&"speakers", &"--forget", &"bob"]);
    assert!(said.contains("enrolled: anna, carl"), "{said}");
    let (_, said) = user.run(1, &[&"predict", &"--speaker", &"bob", &clip]);
    assert!(said.contains("enrolled: anna, carl"), "{said}");
    // A speaker whose file is damaged can be removed as well.
    assert!(
        user.run(0, &[&"speakers", &"--forget", &"carl"])
            .0
            .contains("carl was removed")
    );
    let told = user
        .run(0, &[&"--json", &"speakers", &"--forget", &"anna"])
        .0;
    assert_eq!(lines(&told)[0]["forgotten"], "anna");
    assert!(!fs::exists(kept(&listed[0])).unwrap());
    assert_eq!(user.run(0, &[&"speakers", &"--json"]).0, "");
}

#[test]
fn names_that_no_command_line_or_disk_takes_are_refused() {
    let user = User::new();
    let file = clips(2, 1).remove(0);
    let long = "x".repeat(61);
    for name in [
        "",
        "..",
        "/",
        "a/b",
        "-x",
        "--",
        ".a",
        "a b",
        "a\nb",
        "\u{202e}anna",
        &long,
    ] {
        let (_, said) = user.run(1, &[&"enroll", &"--", &name, &file]);
        assert!(said.contains("is not a valid name for a speaker"), "{said}");
        assert!(said.len() < 300 && !said.contains('\u{202e}'), "{said}");
    }
    user.run(0, &[&"enroll", &"--", &"Zoë-2.b", &file]);
    user.run(0, &[&"enroll", &"--", &&long[1..], &file]);

    // If the name is missing, the first recording is taken for it.
    let (_, said) = user.run(1, &[&"enroll", &file, &file]);
    assert!(said.contains("is not a valid name for a speaker"), "{said}");
    let (_, said) = user.run(1, &[&"enroll", &"anna-1.wav", &file]);
    assert!(said.contains("`ser enroll anna anna-1.wav`"), "{said}");
    assert_eq!(lines(&user.run(0, &[&"--json", &"speakers"]).0).len(), 2);
}

#[cfg(unix)]
#[test]
fn what_lies_beside_speakers_is_none_and_a_folder_that_cannot_be_read_is_not_empty() {
    let user = User::new();
    user.run(0, &[&"enroll", &"anna", &clips(2, 1).remove(0)]);
    let speakers = user.0.path().join("ser/speakers");
    fs::create_dir(speakers.join("folder.json")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", speakers.join("zeros.json")).unwrap();
    assert_eq!(lines(&user.run(0, &[&"--json", &"speakers"]).0).len(), 1);

    fs::write(speakers.join("ben.json"), "{").unwrap();
    let file = clips(2, 1).remove(0);
    let (_, said) = user.run(1, &[&"predict", &"--speaker", &"ben", &file]);
    assert!(said.contains("enrol again"), "{said}");

    fs::remove_dir_all(&speakers).unwrap();
    assert!(user.run(0, &[&"speakers"]).0.contains("nobody is enrolled"));
    fs::write(&speakers, "").unwrap();
    let (_, said) = user.run(1, &[&"speakers"]);
    assert!(said.contains("it is not a folder"), "{said}");
}
