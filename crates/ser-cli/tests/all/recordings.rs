//! Tests of `ser predict`, `timeline`, `listen`, `enroll` and `explain` with the built-in model, on recordings of all kinds.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{clips, complaint, lines, long, output, read_wav, ser, synthetic, tone};

#[test]
fn one_file_is_answered_without_a_model_or_anything_else() {
    let clip = clips(1, 1).remove(0);
    let text = output(0, &[&"predict", &clip]);
    for part in ["emotion", "confidence", "remarks", "%"] {
        assert!(text.contains(part), "{text}");
    }
    let answer = lines(&output(0, &[&"--json", &"predict", &clip])).remove(0);
    assert!(answer["confidence"].as_f64().unwrap() > 0.125);
    assert_eq!(answer["synthetic_model"], false);
    assert!(answer["seconds"].as_f64().unwrap() > 1.0);
    assert!(answer["uncertain"].is_boolean());
}

#[test]
fn folders_patterns_and_standard_input_are_recordings_too() {
    let folder = synthetic().join("Actor_01");
    let in_folder = lines(&output(0, &[&"--json", &"predict", &folder]));
    assert_eq!(in_folder.len(), 60);
    let pattern = folder.join("03-01-05-*.wav");
    let matched = lines(&output(0, &[&"--json", &"predict", &pattern]));
    assert_eq!(matched.len(), 8);

    let file = clips(1, 1).remove(0);
    let piped = ser()
        .args(["--json", "predict", "-"])
        .write_stdin(fs::read(&file).unwrap())
        .assert()
        .success();
    let piped = String::from_utf8(piped.get_output().stdout.clone()).unwrap();
    let (piped, read) = (lines(&piped).remove(0), in_folder[0].clone());
    assert_eq!(piped["probabilities"], read["probabilities"]);

    let said = complaint(1, &[&"predict", &folder.join("*.mp3")]);
    assert!(said.contains("no file matches"), "{said}");
}

#[test]
fn labels_that_cannot_be_have_no_probability() {
    let clip = clips(1, 1).remove(0);
    let answer = lines(&output(
        0,
        &[&"--json", &"predict", &clip, &"--labels", &"sad,happy"],
    ));
    let probabilities = &answer[0]["probabilities"];
    assert_eq!(probabilities["angry"], 0.0);
    let share = |label: &str| probabilities[label].as_f64().unwrap();
    assert!((share("sad") + share("happy") - 1.0).abs() < 1e-6);
    let told = output(0, &[&"predict", &clip, &"--labels", &"sad,happy"]);
    assert!(told.contains("sad") && told.contains("happy"), "{told}");
    // The excluded labels are no alternatives either.
    assert!(!told.contains(" 0.0 %"), "{told}");
    let said = complaint(1, &[&"timeline", &clip, &"--labels", &"glad"]);
    assert!(
        said.contains("neutral, calm") && said.contains("\"glad\""),
        "{said}"
    );
}

#[test]
fn csv_has_a_header_and_a_line_each() {
    let files = clips(2, 3);
    let mut words: Vec<&dyn AsRef<OsStr>> = vec![&"predict", &"--csv"];
    words.extend(files.iter().map(|f| f as &dyn AsRef<OsStr>));
    let text = output(0, &words);
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let header = table.headers().unwrap().clone();
    assert_eq!(header.len(), 6 + 8);
    assert_eq!(&header[1], "emotion");
    assert_eq!(table.records().map(Result::unwrap).count(), 3);
}

#[test]
fn what_a_folder_holds_of_other_audio_is_named_and_other_files_are_not() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(&clips(1, 1)[0], folder.path().join("a.wav")).unwrap();
    fs::write(folder.path().join("message.amr"), "#!AMR").unwrap();
    fs::write(folder.path().join("readme.txt"), "words").unwrap();
    let said = complaint(3, &[&"predict", &folder.path()]);
    assert!(said.contains("message.amr: AMR: convert it"), "{said}");
    assert!(!said.contains("readme"), "{said}");
}

/// Returns a folder with a recording of three seconds of silence, and the path of the recording.
fn silence() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let silent = folder.path().join("silent.wav");
    tone(&silent, 0.0, 3.0);
    (folder, silent)
}

#[test]
fn what_became_of_a_folder_is_said_in_one_sentence() {
    let (folder, silent) = silence();
    let empty = folder.path().join("empty.wav");
    tone(&empty, 0.0, 0.0);
    let cut = folder.path().join("cut.wav");
    let whole = fs::read(&silent).unwrap();
    fs::write(&cut, &whole[..20]).unwrap();
    fs::write(folder.path().join("message.amr"), "#!AMR").unwrap();
    fs::copy(&clips(1, 1)[0], folder.path().join("spoken.wav")).unwrap();
    let nowhere = folder.path().join("*.mp3");

    let last = |text: &str| text.lines().last().unwrap().to_owned();
    let told = last(&output(3, &[&"predict", &folder.path(), &nowhere]));
    assert!(told.starts_with("answered 2 recordings: "), "{told}");
    assert!(told.contains("1 without speech"), "{told}");
    let skips =
        "; skipped 4: 1 damaged, 1 in an unsupported format, 1 too short, 1 without a recording";
    assert!(told.ends_with(skips), "{told}");
    for form in ["--csv", "--json"] {
        let words: [&dyn AsRef<OsStr>; 4] = [&"predict", &folder.path(), &nowhere, &form];
        assert_eq!(last(&complaint(3, &words)), told, "{form}");
        assert!(!output(3, &words).contains("answered"), "{form}");
    }

    let said = complaint(1, &[&"predict", &cut, &empty]);
    assert!(
        said.contains("none of the 2 inputs could be answered: 1 damaged, 1 too short;"),
        "{said}"
    );
    assert!(!output(0, &[&"predict", &silent]).contains("answered"));
}

#[test]
fn nobody_is_enrolled_from_recordings_without_speech() {
    let (_folder, silent) = silence();
    let clip = clips(1, 1).remove(0);
    let said = complaint(1, &[&"predict", &clip, &"--enroll", &silent]);
    assert!(said.contains("silent.wav: no speech was found"), "{said}");
    assert!(
        said.contains("nobody is enrolled: no recording could be used"),
        "{said}"
    );
    let others = clips(1, 4).pop().unwrap();
    complaint(3, &[&"predict", &clip, &"--enroll", &silent, &others]);
    complaint(
        0,
        &[&"predict", &clip, &"--enroll", &clip.parent().unwrap()],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_an_error_of_its_own() {
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let clip = clips(1, 1).remove(0);
    let forms: [&[&str]; 3] = [&[], &["--json"], &["--csv"]];
    for form in forms {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_ser"));
        let ended = program.arg("predict").args(form).arg(&clip).stdout(full());
        let ended = ended.output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("No space left on device"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn where_nobody_speaks_the_timeline_says_so_and_where_it_cannot_be_written_nothing_is_heard() {
    let (folder, silent) = silence();
    let text = output(0, &[&"timeline", &silent]);
    assert!(
        text.contains("there is no speech") && !text.contains("emotion"),
        "{text}"
    );

    let captions = folder.path().join("no-such-folder/a.vtt");
    let said = complaint(1, &[&"timeline", &silent, &"--out", &captions]);
    assert!(said.contains("no-such-folder does not exist"), "{said}");
}

#[test]
fn what_makes_an_answer_uncertain_is_said_beside_it() {
    let (_folder, silent) = silence();
    let answer = lines(&output(0, &[&"--json", &"predict", &silent])).remove(0);
    let warnings = answer["warnings"].as_array().unwrap();
    assert!(warnings.contains(&Value::from("no-speech")), "{warnings:?}");
    assert_eq!(answer["uncertain"], true);
    assert!(output(0, &[&"predict", &silent]).contains("no speech was found"));
}

#[test]
fn a_long_recording_becomes_a_timeline_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("long.wav");
    let parts = clips(1, 12);
    long(&recording, &parts);
    let out = |name: &str| folder.path().join(name);
    let (vtt, srt, txt, svg) = (out("a.vtt"), out("a.srt"), out("a.txt"), out("a.svg"));
    let (praat, eaf, rttm) = (out("a.TextGrid"), out("a.eaf"), out("a.rttm"));
    let csv = out("a.csv");
    let mut words: Vec<&dyn AsRef<OsStr>> = vec![&"timeline", &recording, &"--out"];
    words.extend(
        [&vtt, &srt, &txt, &svg, &praat, &eaf, &rttm, &csv].map(|f| f as &dyn AsRef<OsStr>),
    );
    let text = output(0, &words);
    assert!(text.contains("speech in "), "{text}");
    let spans = lines(&output(0, &[&"--json", &"timeline", &recording]));
    assert!(spans.len() >= parts.len(), "{} spans", spans.len());
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    assert!(read(&vtt).starts_with("WEBVTT\n\n00:00:0"));
    assert_eq!(read(&vtt).matches("-->").count(), spans.len());
    assert_eq!(read(&srt).matches("-->").count(), spans.len());
    assert_eq!(read(&txt).lines().count(), spans.len());
    assert_eq!(read(&csv).lines().count(), 1 + spans.len());
    assert!(read(&svg).starts_with("<svg") && read(&svg).contains("long.wav"));
    assert_eq!(read(&eaf).matches("<ANNOTATION>").count(), spans.len());
    assert!(read(&eaf).contains("/long.wav\" MIME_TYPE"));
    let rows = read(&rttm);
    assert!(rows.starts_with("SPEAKER long 1 "), "{rows}");
    assert_eq!(rows.lines().count(), spans.len());
    let labelled = read(&praat)
        .lines()
        .filter(|line| line.contains("text = ") && !line.contains("\"\""))
        .count();
    assert_eq!(labelled, spans.len());
    for pair in spans.windows(2) {
        assert!(pair[0]["end"].as_f64() <= pair[1]["start"].as_f64());
    }
    // The answer to a recording of this length is the mean over its pieces.
    let whole = lines(&output(0, &[&"--json", &"predict", &recording])).remove(0);
    assert!(
        whole["warnings"]
            .as_array()
            .unwrap()
            .contains(&Value::from("long"))
    );

    let said = complaint(1, &[&"timeline", &recording, &"--out", &out("a.pdf")]);
    assert!(said.contains(".vtt"), "{said}");
}

/// Writes a recording of two clips, one after the other, each on its own channel.
fn call(path: &Path) {
    let [(rate, one), (_, other)] = [1, 2].map(|speaker| read_wav(&clips(speaker, 1)[0]));
    let pause = vec![[0; 2]; rate as usize];
    let left = one.into_iter().map(|sample| [sample, 0]);
    let right = other.into_iter().map(|sample| [0, sample]);
    let frames = pause.iter().copied().chain(left).chain(right);
    let samples = frames.chain(pause.iter().copied()).flatten();
    ser_fixtures::write_interleaved(path, rate, 2, samples);
}

#[test]
fn channels_of_a_call_are_heard_one_by_one_or_each_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("call.wav");
    call(&file);
    let said = complaint(0, &[&"timeline", &file]);
    assert!(said.contains("`--channel each`"), "{said}");
    let remarks = |more: &[&dyn AsRef<OsStr>]| {
        let call: [&dyn AsRef<OsStr>; 3] = [&"--json", &"predict", &file];
        lines(&output(0, &[&call, more].concat()))[0]["warnings"].to_string()
    };
    assert!(remarks(&[]).contains("channels-apart"));
    assert!(!remarks(&[&"--channel", &"1"]).contains("channels-apart"));

    let out = |name: &str| folder.path().join(name);
    let files = ["a.vtt", "a.srt", "a.txt", "a.TextGrid", "a.eaf", "a.rttm"].map(out);
    let mut words: Vec<&dyn AsRef<OsStr>> =
        vec![&"timeline", &file, &"--channel", &"each", &"--out"];
    words.extend(files.iter().map(|file| file as &dyn AsRef<OsStr>));
    let ran = ser().args(&words).assert().code(0);
    let told = String::from_utf8(ran.get_output().stdout.clone()).unwrap();
    assert!(ran.get_output().stderr.is_empty());
    // By now somebody may have corrected the annotations.
    let refused = complaint(1, &words);
    assert!(refused.contains("a.TextGrid: the file exists"), "{refused}");
    for (file, marks) in files.iter().zip([
        ["<v Channel 1>", "<v Channel 2>"],
        ["\nChannel 1: ", "\nChannel 2: "],
        ["\tChannel 1: ", "\tChannel 2: "],
        ["name = \"channel 1\"", "name = \"channel 2\""],
        ["TIER_ID=\"channel 1\"", "TIER_ID=\"channel 2\""],
        ["SPEAKER call 1 ", "SPEAKER call 2 "],
    ]) {
        let text = fs::read_to_string(file).unwrap();
        for mark in marks {
            assert!(text.contains(mark), "{mark:?} is not in {text}");
        }
    }

    let each = lines(&output(
        0,
        &[&"--json", &"timeline", &file, &"--channel", &"each"],
    ));
    for number in [1, 2] {
        let only = [
            &"--json" as &dyn AsRef<OsStr>,
            &"timeline",
            &file,
            &"--channel",
            &number.to_string(),
        ];
        let spans = lines(&output(0, &only));
        let of_each: Vec<_> = each
            .iter()
            .filter(|span| span["channel"] == number)
            .collect();
        assert_eq!(spans.len(), of_each.len());
        assert!(!spans.is_empty());
        let length = |span: &Value| span["end"].as_f64().unwrap() - span["start"].as_f64().unwrap();
        let spoken: f64 = spans.iter().map(length).sum();
        let summary = format!("channel {number}: speech in 0:{spoken:04.1} of ");
        assert!(told.contains(&summary), "{summary} is not in {told}");
        for (one, other) in spans.iter().zip(of_each) {
            assert_eq!(one["start"], other["start"]);
            assert_eq!(one["probabilities"], other["probabilities"]);
        }
    }
    for command in ["predict", "timeline"] {
        let said = complaint(1, &[&command, &file, &"--channel", &"3"]);
        assert!(
            said.contains("expected a channel from 1 to 2, found 3"),
            "{said}"
        );
    }
    complaint(2, &[&"timeline", &file, &"--channel", &"0"]);
    let said = complaint(
        1,
        &[
            &"timeline",
            &file,
            &"--channel",
            &"each",
            &"--out",
            &out("a.svg"),
        ],
    );
    assert!(said.contains("--channel 1"), "{said}");
}

#[test]
fn a_recording_that_is_cut_is_answered_with_a_remark() {
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.wav");
    let whole = fs::read(&clips(1, 1)[0]).unwrap();
    fs::write(&cut, &whole[..whole.len() * 7 / 10]).unwrap();
    let answer = lines(&output(0, &[&"--json", &"predict", &cut])).remove(0);
    let warnings = answer["warnings"].as_array().unwrap();
    assert!(warnings.contains(&Value::from("damaged")), "{warnings:?}");
    let begins = "cut short: the header promises ";
    assert!(output(0, &[&"predict", &cut]).contains(begins));
    assert_eq!(complaint(0, &[&"predict", &cut]), "");
    let named = format!("damaged: {}: {begins}", cut.display());
    for command in ["predict", "timeline"] {
        let said = complaint(0, &[&"--json", &command, &cut]);
        assert!(said.starts_with(&named), "{said}");
    }
    let [table, out] = ["mine.csv", "cut.npy"].map(|name| folder.path().join(name));
    let row = format!("path,emotion,speaker\n{},happy,anna\n", cut.display());
    fs::write(&table, row).unwrap();
    let said = complaint(0, &[&"extract", &table, &"--out", &out]);
    assert!(said.contains(&named), "{said}");
}

#[test]
fn what_is_unlike_speech_is_out_of_distribution_however_long_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let beeps = folder.path().join("beeps.wav");
    let rate = 16_000;
    for seconds in [10, 40] {
        let sample = |n: u32| {
            let on = n / (rate / 2) % 2;
            let phase = n as f32 / rate as f32 * 900.0 * std::f32::consts::TAU;
            // The pauses are not digital silence.
            (on as f32 * 8000.0 * phase.sin() + (n % 1000 * 7919 % 13) as f32) as i16
        };
        ser_fixtures::write_wav(&beeps, rate, (0..rate * seconds).map(sample));
        let answer = lines(&output(0, &[&"--json", &"predict", &beeps])).remove(0);
        let warnings = answer["warnings"].as_array().unwrap();
        assert!(
            warnings.contains(&Value::from("out-of-distribution")),
            "{answer}"
        );
        assert_eq!(warnings.contains(&Value::from("long")), seconds == 40);
        assert_eq!(answer["uncertain"], true);
    }
}

#[test]
fn a_pipe_is_heard_as_a_file_is() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("long.wav");
    long(&recording, &clips(2, 4));
    let read = lines(&output(0, &[&"--json", &"timeline", &recording]));
    let heard = ser()
        .args(["--json", "listen", "-"])
        .write_stdin(fs::read(&recording).unwrap())
        .assert()
        .success();
    let heard = lines(&String::from_utf8(heard.get_output().stdout.clone()).unwrap());
    assert_eq!(heard.len(), read.len());
    for (heard, read) in heard.iter().zip(&read) {
        for key in ["start", "end", "emotion"] {
            assert_eq!(heard[key], read[key]);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_with_a_name_is_waited_for_with_a_word_and_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let made = std::process::Command::new("mkfifo")
        .arg(at("pipe.wav"))
        .status();
    assert!(made.unwrap().success());
    let sound = fs::read(&clips(2, 1)[0]).unwrap();
    for words in [
        &["predict", "pipe.wav", "--out", "answers.csv"][..],
        &["extract", "pipe.wav", "--out", "functionals.csv"],
    ] {
        let (pipe, sound) = (at("pipe.wav"), sound.clone());
        let writer = std::thread::spawn(move || fs::write(pipe, sound).unwrap());
        let ended = ser().current_dir(&folder).args(words).assert().code(0);
        writer.join().unwrap();
        let said = String::from_utf8(ended.get_output().stderr.clone()).unwrap();
        assert!(
            said.contains("waiting for another program to write"),
            "{said}"
        );
    }
    // This reads a recording several times.
    let said = complaint(1, &[&"timeline", &at("pipe.wav"), &"--channel", &"each"]);
    assert!(said.contains("save it as a file first"), "{said}");
}

#[cfg(not(feature = "live"))]
#[test]
fn without_sound_devices_the_ways_out_are_named() {
    let said = complaint(1, &[&"listen"]);
    assert!(
        said.contains("--features live") && said.contains("ser listen -"),
        "{said}"
    );
}

#[test]
fn shells_and_man_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            output(0, &[&"completions", &shell]).contains("timeline"),
            "{shell}"
        );
    }
    output(0, &[&"man", &folder.path()]);
    for page in ["ser.1", "ser-predict.1", "ser-timeline.1"] {
        assert!(folder.path().join(page).is_file(), "{page}");
    }
}

#[test]
fn the_doctor_looks_at_model_disk_and_corpus() {
    let text = output(0, &[&"doctor", &"--data", &synthetic()]);
    for part in [
        "robust",
        "GB free",
        "240 clips of 4 speakers",
        "no problems found",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let ended = ser()
        .args(["doctor", "--json", "--data", "/nowhere"])
        .assert()
        .code(1);
    let [told, said] = [&ended.get_output().stdout, &ended.get_output().stderr]
        .map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(said.contains("what to do"), "{said}");
    let found: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        [&found["corpus"]["well"], &found["model"]["well"]],
        [false, true]
    );
    let advice = found["corpus"]["found"].as_str().unwrap();
    assert!(advice.contains("`ser download ravdess`"), "{advice}");
}
