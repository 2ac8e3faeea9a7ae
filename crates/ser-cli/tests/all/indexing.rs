//! Tests of `ser synth` and `ser index`.

use serde_json::Value;

use crate::common::{output, synthetic};

#[test]
fn a_synthetic_corpus_has_the_counts_of_ravdess_and_says_what_it_is() {
    let audit: Value =
        serde_json::from_str(&output(0, &[&"index", &synthetic(), &"--json"])).unwrap();
    assert_eq!(audit["clips"], 4 * 60);
    assert_eq!(audit["synthetic"], true);
    assert_eq!(audit["emotions"]["neutral"], 4 * 4);
    assert_eq!(audit["emotions"]["sad"], 4 * 8);
    assert!(output(0, &[&"index", &synthetic()]).contains("SYNTHETIC"));
}

#[test]
fn a_manifest_stands_for_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("m.csv");
    let from_folder = output(0, &[&"index", &synthetic(), &"--json", &"--out", &manifest]);
    let from_manifest = output(0, &[&"index", &manifest, &"--json"]);
    let mut audits = [from_folder, from_manifest].map(|text| serde_json::from_str(&text).unwrap());
    // Only the file names of the folder identify the corpus.
    let known = audits
        .each_mut()
        .map(|audit: &mut Value| audit["known"].take());
    assert_eq!(
        (&known[0]["name"], &known[1]),
        (&"ravdess".into(), &Value::Null)
    );
    assert_eq!(audits[0], audits[1]);
}

/// Returns a folder with one clip of actor 01.
fn one_clip() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let name = "03-01-01-01-01-01-01.wav";
    std::fs::copy(
        synthetic().join("Actor_01").join(name),
        folder.path().join(name),
    )
    .unwrap();
    folder
}

#[test]
fn a_broken_file_is_reported_and_ends_with_3() {
    let folder = one_clip();
    std::fs::write(
        folder.path().join("03-01-01-01-01-02-01.wav"),
        b"RIFFnothing",
    )
    .unwrap();
    let text = output(3, &[&"index", &folder.path()]);
    assert!(
        text.contains("1 clip, ")
            && text.contains(", 1 speaker\n")
            && text.contains("03-01-01-01-01-02-01.wav"),
        "{text}"
    );
}

#[test]
fn actors_who_are_not_there_are_named_once() {
    let folder = one_clip();
    let text = output(0, &[&"index", &folder.path()]);
    assert!(text.contains("59 missing from actor 01"), "{text}");
    assert!(text.contains("no clips of the actors 02, 03, "), "{text}");
    assert!(!text.contains("missing from actor 02"), "{text}");
}

#[test]
fn the_real_corpus_has_its_known_quirks() {
    let Some(folder) = ser_fixtures::ravdess() else {
        return;
    };
    let audit: Value = serde_json::from_str(&output(0, &[&"index", &folder, &"--json"])).unwrap();
    assert_eq!(audit["clips"], 1440);
    assert_eq!(audit["synthetic"], false);
    let mut stereo: Vec<&str> = audit["stereo"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s.as_str().unwrap())
        .collect();
    stereo.sort_unstable();
    assert_eq!(
        stereo,
        [
            "03-01-02-01-01-02-01",
            "03-01-02-01-02-02-05",
            "03-01-03-01-02-01-20",
            "03-01-06-01-01-02-20",
            "03-01-08-01-02-02-01",
        ]
    );
    let pair = serde_json::json!([["03-01-03-01-02-01-07", "03-01-03-01-02-02-07"]]);
    assert_eq!(audit["duplicates"], pair);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_whose_name_is_not_utf_8_is_told_in_json_too() {
    use std::os::unix::ffi::OsStrExt;

    let folder = one_clip();
    let odd = std::ffi::OsStr::from_bytes(b"pri\xe9re.wav");
    std::fs::write(folder.path().join(odd), "no clip").unwrap();
    let audit: Value =
        serde_json::from_str(&output(3, &[&"index", &folder.path(), &"--json"])).unwrap();
    let path = audit["skipped"][0]["path"].as_str().unwrap();
    assert!(path.ends_with("pri\u{fffd}re.wav"), "{path}");
}
