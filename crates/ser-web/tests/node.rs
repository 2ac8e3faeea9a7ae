//! The engine of the page gives the answers of the program. It runs in node, from the folder that `cargo xtask page` made and
//! `SER_PAGE` names; without `SER_PAGE` the tests print that they are skipped.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests, outside the functions marked as such"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ser_audio::{AudioStream, Channels};
use ser_predict::{
    AnswerLine, ExplanationLine, LONG, Predictor, Span, SpanLine, Timeline, captions,
};
use serde_json::{Value, json};

const RATE: u32 = 16_000;
/// The largest difference allowed between two probabilities.
const NEAR: f64 = 1e-3;

/// Returns the answers of the engine to jobs, or `None` without a page.
fn engine(jobs: &[Value]) -> Option<Vec<Value>> {
    let Some(page) = std::env::var_os("SER_PAGE") else {
        eprintln!("skipped: SER_PAGE names no folder that `cargo xtask page` made");
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/answers.mjs");
    let mut node = Command::new("node");
    node.arg(script).arg(page);
    let mut node = node
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let jobs = serde_json::to_vec(jobs).unwrap();
    node.stdin.take().unwrap().write_all(&jobs).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Returns the answer of the engine to one job.
fn ask(job: Value) -> Option<Value> {
    let answers = engine(&[job])?;
    let answer = answers.into_iter().next().unwrap();
    assert_eq!(answer.get("error"), None);
    Some(answer["ok"].clone())
}

fn open(file: &Path) -> ser_audio::Result<AudioStream> {
    AudioStream::open(file)?.with(Channels::Compared)
}

fn voice(seconds: f64) -> Vec<f32> {
    ser_fixtures::voice(RATE, seconds, 160.0)
}

fn voice_file(folder: &Path, seconds: f64) -> PathBuf {
    let file = folder.join(format!("voice-{seconds}.wav"));
    ser_fixtures::write_wav_f32(&file, RATE, voice(seconds));
    file
}

/// Asserts that two values are equal, except for the last digits of numbers.
fn assert_alike(found: &Value, expected: &Value, what: &str) {
    match (found, expected) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() <= NEAR, "{what}: {a} and {b}");
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{what}");
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                assert_alike(a, b, &format!("{what}[{i}]"));
            }
        }
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().eq(b.keys()), "{what}: {a:?} and {b:?}");
            for (key, value) in a {
                assert_alike(value, &b[key], &format!("{what}.{key}"));
            }
        }
        (a, b) => assert_eq!(a, b, "{what}"),
    }
}

/// Asserts that the program and the engine give the same answers for files.
fn assert_answers(files: &[PathBuf]) {
    let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
    let job = |file: &PathBuf| {
        // Some files are read into memory first, others piece by piece.
        let stored = name(file).len() % 2 == 0;
        json!({"action": "predict", "file": file, "name": name(file), "stored": stored})
    };
    let jobs: Vec<Value> = files.iter().map(job).collect();
    let Some(found) = engine(&jobs) else { return };
    let predictor = Predictor::built_in().unwrap();
    for (file, found) in files.iter().zip(found) {
        let answer = open(file).map_err(ser_predict::Error::from);
        match answer.and_then(|stream| predictor.answer_stream(stream, None)) {
            Ok(answer) => {
                let line = AnswerLine::new(predictor.model(), name(file), &answer);
                let expected = serde_json::to_value(&line).unwrap();
                assert_alike(&found["ok"], &expected, &name(file));
            }
            Err(error) => {
                let error = error
                    .to_string()
                    .replace(&file.display().to_string(), &name(file));
                assert_eq!(found["error"], error);
            }
        }
    }
}

#[test]
fn every_format_is_answered_alike() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../ser-audio/tests/fixtures");
    let files = ser_audio::recordings(Path::new(fixtures));
    let mut files: Vec<PathBuf> = files.collect::<Result<_, _>>().unwrap();
    assert!(files.len() > 15);
    let folder = tempfile::tempdir().unwrap();
    files.extend([1.0, 4.0, 40.0].map(|seconds| voice_file(folder.path(), seconds)));
    let none = folder.path().join("none.mp3");
    std::fs::write(&none, "no recording").unwrap();
    files.push(none);
    assert_answers(&files);
}

#[test]
fn clips_of_ravdess_are_answered_alike() {
    if let Some(files) = ser_fixtures::ravdess_clips(24) {
        assert_answers(&files);
    }
}

#[test]
fn timelines_live_sound_and_captions_are_alike() {
    let folder = tempfile::tempdir().unwrap();
    let file = voice_file(folder.path(), 40.0);
    let predictor = Predictor::built_in().unwrap();
    let labels = &predictor.model().labels;
    let mut timeline = Timeline::new(&predictor, open(&file).unwrap(), None).unwrap();
    let mut spans: Vec<Span> = Vec::new();
    while let Some(complete) = timeline.step(7.0).unwrap() {
        spans.extend(complete);
    }
    assert!(spans.len() > 3);
    let lines: Vec<SpanLine> = spans
        .iter()
        .map(|span| SpanLine::new(labels, span))
        .collect();
    let expected = serde_json::to_value(&lines).unwrap();

    let samples = folder.path().join("samples");
    let bytes: Vec<u8> = voice(40.0).iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(&samples, bytes).unwrap();
    let forms = [
        "vtt", "srt", "txt", "TextGrid", "rttm", "csv", "json", "svg", "eaf", "doc",
    ];
    let mut jobs = vec![
        json!({"action": "timeline", "file": file}),
        json!({"action": "timeline", "file": file, "stored": true}),
        json!({"action": "listen", "samples": samples, "rate": RATE}),
    ];
    jobs.extend(forms.map(|form| {
        json!({"action": "captions", "spans": expected, "form": form, "seconds": 40.0, "name": "voice.wav"})
    }));
    let Some(found) = engine(&jobs) else { return };
    let [in_memory, stored, live, texts @ ..] = &found[..] else {
        panic!("too few answers");
    };
    assert_alike(&in_memory["ok"]["spans"], &expected, "in memory");
    assert_alike(&live["ok"]["spans"], &expected, "live");
    assert_eq!(in_memory, stored);
    assert_alike(&in_memory["ok"]["heard"], &json!(40.0), "heard");
    assert_eq!(in_memory["ok"]["channels"], 1);
    let pairs = in_memory["ok"]["peaks"]["pairs"].as_array().unwrap();
    assert!((200..400).contains(&pairs.len()), "{}", pairs.len());

    let text = |form: usize| texts[form]["ok"].as_str().unwrap();
    assert_eq!(text(0), captions::web_vtt(&spans, labels));
    assert_eq!(text(1), captions::sub_rip(&spans, labels));
    assert_eq!(text(2), captions::audacity(&spans, labels));
    assert_eq!(text(3), captions::text_grid(&spans, labels, 40.0));
    assert_eq!(text(4), captions::rttm(&spans, labels, "voice"));
    assert_eq!(text(5), captions::csv(&spans, labels).unwrap());
    let json: Vec<Value> = text(6)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_alike(&Value::from(json), &expected, "json");
    assert!(text(7).starts_with("<svg"), "{}", text(7));
    let date = text(8).split("DATE=\"").nth(1).unwrap();
    let (date, _) = date.split_once('"').unwrap();
    let recording = Some(Path::new("voice.wav"));
    assert_eq!(text(8), captions::elan(&spans, labels, recording, date));
    assert!(texts[9]["error"].as_str().unwrap().contains("\"doc\""));
}

#[test]
fn an_explanation_is_alike() {
    let folder = tempfile::tempdir().unwrap();
    let file = voice_file(folder.path(), 1.0);
    let job = json!({"action": "explain", "file": file, "name": "voice.wav"});
    let Some(mut found) = ask(job) else { return };
    let sound = open(&file).unwrap().read_to_end().unwrap();
    let predictor = Predictor::built_in().unwrap();
    let explanation = predictor.explain(&sound, None).unwrap();
    assert_alike(&found["share"], &json!(1.0), "share");
    assert!(found["svg"].as_str().unwrap().contains("voice.wav"));
    let line = ExplanationLine::new(predictor.model(), "voice.wav".to_owned(), &explanation);
    let expected = serde_json::to_value(&line).unwrap();
    let found = found.as_object_mut().unwrap();
    found.retain(|key, _| expected.get(key).is_some());
    assert_alike(&found.clone().into(), &expected, "explanation");
}

#[test]
fn a_recording_that_is_too_long_to_explain_is_not_decoded_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = voice_file(folder.path(), LONG + 1.0);
    let name = file.display().to_string();
    let Some(found) = engine(&[json!({"action": "explain", "file": file, "name": name})]) else {
        return;
    };
    let decoded = open(&file).unwrap().at_most(LONG).read_to_end();
    assert_eq!(found[0]["error"], decoded.unwrap_err().to_string());
}

#[test]
fn a_speaker_and_labels_change_answers_alike() {
    let folder = tempfile::tempdir().unwrap();
    let file = voice_file(folder.path(), 4.0);
    let none = folder.path().join("none.wav");
    ser_fixtures::write_wav_f32(&none, RATE, vec![0.0; 16_000]);
    let text = folder.path().join("text.mp3");
    std::fs::write(&text, "no recording").unwrap();
    let Some(enrolled) = ask(json!({"action": "enroll", "files": [file, none, text]})) else {
        return;
    };
    let predictor = Predictor::built_in().unwrap();
    let speech = |file: &Path| predictor.speech_stream(open(file)?);
    let reason = |file: &Path| {
        let reason = speech(file).unwrap_err().to_string();
        ser_files::without_path(&reason, file).to_owned()
    };
    let skipped = [
        format!("none.wav: {}", reason(&none)),
        format!("text.mp3: {}", reason(&text)),
    ];
    let speech = speech(&file).unwrap();
    assert_eq!(enrolled["clips"], 1);
    assert_alike(
        &enrolled["seconds"],
        &json!((100.0 * speech.seconds()).round() / 100.0),
        "s",
    );
    assert_eq!(enrolled["skipped"], json!(skipped));
    let speaker = predictor.enrol(&[speech]).unwrap();
    let jobs = [
        json!({"action": "predict", "file": file, "name": "v", "speaker": enrolled["profile"], "labels": ["sad", "happy"]}),
        json!({"action": "predict", "file": file, "labels": ["glad"]}),
        json!({"action": "predict", "file": file, "channel": 2}),
        json!({"action": "model"}),
    ];
    let answers = engine(&jobs).unwrap();
    let predictor = predictor.restricted_to(&["happy", "sad"]).unwrap();
    let answer = predictor.answer_stream(open(&file).unwrap(), Some(&speaker));
    let line = AnswerLine::new(predictor.model(), "v".to_owned(), &answer.unwrap());
    assert_alike(
        &answers[0]["ok"],
        &serde_json::to_value(&line).unwrap(),
        "labels",
    );
    assert!(answers[1]["error"].as_str().unwrap().contains("\"glad\""));
    assert!(answers[2]["error"].as_str().unwrap().contains("channel"));
    assert_eq!(
        answers[3]["ok"]["fingerprint"],
        predictor.model().fingerprint()
    );
}

#[test]
fn a_speaker_is_enrolled_from_a_long_recording_piece_by_piece() {
    let folder = tempfile::tempdir().unwrap();
    let short = voice_file(folder.path(), 7.0);
    let long = folder.path().join("long.wav");
    let samples = [voice(7.0), vec![0.0; 600 * RATE as usize]].concat();
    let bytes = 4 * samples.len();
    ser_fixtures::write_wav_f32(&long, RATE, samples);
    let predictor = Predictor::built_in().unwrap();
    let speech = predictor.speech_stream(open(&long).unwrap()).unwrap();
    let seconds = (100.0 * speech.seconds()).round() / 100.0;
    // The short recording takes the memory that the networks need.
    let job = |file| json!({"action": "enroll", "files": [file], "stored": true});
    let Some(found) = engine(&[job(short), job(long)]) else {
        return;
    };
    let [short, long] = &found[..] else {
        panic!("expected two answers, found {}", found.len());
    };
    assert!(short["ok"].is_object(), "{short}");
    let clips = predictor.enrol(&[speech]).unwrap().clips();
    assert!(clips > 1);
    assert_eq!(long["ok"]["clips"], clips);
    assert_alike(&long["ok"]["seconds"], &json!(seconds), "seconds");
    let grown = long["ok"]["grown"].as_u64().unwrap();
    assert!(grown < bytes as u64 / 2, "{grown} of {bytes} bytes");
}

#[test]
fn what_javascript_throws_is_told_in_its_words() {
    let read = |thrown: Value| {
        let job = json!({"action": "predict", "name": "gone.wav", "thrown": thrown});
        Some(engine(&[job])?[0]["error"].as_str().unwrap().to_owned())
    };
    let Some(error) = read(json!({"message": "the \"disk\" is gone"})) else {
        return;
    };
    assert_eq!(error, "gone.wav: the \"disk\" is gone");
    assert_eq!(read(json!("unplugged")).unwrap(), "gone.wav: unplugged");
}

#[test]
fn a_recording_to_enrol_without_a_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = voice_file(folder.path(), 1.0);
    let job = json!({"action": "enroll", "files": [file], "names": []});
    let Some(found) = engine(&[job]) else { return };
    let error = found[0]["error"].as_str().unwrap();
    assert_eq!(
        error,
        "names: expected one for each of 1 recordings, found 0"
    );
}
