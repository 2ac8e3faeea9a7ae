//! Every row of an archive gets an answer or an error, whatever its recording is.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use ser_archive::{Answerer, Row, Sound};
use ser_fixtures::{flac, voice, write_stereo_f32, write_wav, write_wav_f32};
use ser_predict::Predictor;
use ser_tables::Value;

fn answerer() -> &'static Answerer {
    static ANSWERER: OnceLock<Answerer> = OnceLock::new();
    ANSWERER.get_or_init(|| Answerer::new(Predictor::built_in().unwrap(), BTreeMap::new()))
}

fn row(path: &Path) -> Row {
    Row::new(path.to_str().unwrap(), Sound::File(path.to_owned()))
}

#[test]
fn a_file_and_its_bytes_get_the_answer_of_the_predictor() {
    let folder = tempfile::tempdir().unwrap();
    let (wav, coded) = (folder.path().join("a.wav"), folder.path().join("b.flac"));
    let samples: Vec<i16> = voice(16_000, 2.0, 150.0)
        .iter()
        .map(|x| (x * 32_767.0) as i16)
        .collect();
    write_wav(&wav, 16_000, samples.iter().copied());
    fs::write(&coded, flac(16_000, &samples)).unwrap();
    for path in [&wav, &coded] {
        let bytes = Row::new("bytes", Sound::Bytes(fs::read(path).unwrap().into()));
        let answers = answerer().answer(&[row(path), bytes]);
        let expected = answerer().predictor().answer_file(path, None).unwrap();
        assert_eq!(answers[0].answer.as_ref().unwrap(), &expected);
        assert_eq!(answers[1].answer, answers[0].answer);
        assert_eq!(answers[1].id, "bytes");
    }
}

#[test]
fn a_part_is_answered_as_a_recording_of_it_and_a_channel_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, part) = (folder.path().join("a.wav"), folder.path().join("b.wav"));
    let voices = [voice(16_000, 40.0, 110.0), voice(16_000, 40.0, 150.0)];
    write_stereo_f32(&whole, 16_000, &voices[0], &voices[1]);
    write_wav_f32(&part, 16_000, voices[1][16_000..48_000].iter().copied());
    let asked = Row {
        start: Some(1.0),
        end: Some(3.0),
        channel: Some(2),
        ..row(&whole)
    };
    let answers = answerer().answer(&[asked, row(&part), row(&whole)]);
    assert_eq!(answers[0].answer, answers[1].answer);
    assert!(answers[2].answer.as_ref().unwrap().long);
}

#[test]
fn what_is_wrong_with_a_row_stands_in_it_and_the_others_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_wav_f32(&at("good.wav"), 16_000, voice(16_000, 1.0, 150.0));
    write_wav_f32(&at("silent.wav"), 16_000, [0.0; 16_000]);
    write_wav_f32(&at("none.wav"), 16_000, []);
    let good = fs::read(at("good.wav")).unwrap();
    fs::write(at("cut.wav"), &good[..good.len() / 2]).unwrap();
    fs::write(at("header.wav"), &good[..20]).unwrap();
    fs::write(at("empty.flac"), "").unwrap();
    fs::write(at("page.mp3"), "<!DOCTYPE html><title>404</title>").unwrap();
    fs::create_dir(at("folder.wav")).unwrap();
    let good = row(&at("good.wav"));
    let (speaker, channel) = (Some("anna".to_owned()), Some(2));
    let (start, end) = (Some(5.0), Some(0.5));
    let rows = [
        (good.clone(), ""),
        (row(&at("silent.wav")), ""),
        (row(&at("cut.wav")), ""),
        (row(&at("none.wav")), "no samples"),
        (row(&at("header.wav")), "inside the header"),
        (row(&at("empty.flac")), "empty"),
        (row(&at("page.mp3")), "web page"),
        (row(&at("gone.wav")), "No such file"),
        (row(&at("folder.wav")), "found a folder"),
        (row(Path::new("/dev/zero")), "a device"),
        (
            Row {
                speaker,
                ..good.clone()
            },
            "nobody is enrolled as anna",
        ),
        (
            Row {
                channel,
                ..good.clone()
            },
            "a channel from 1 to 1",
        ),
        (
            Row {
                start,
                ..good.clone()
            },
            "found a recording of 1.000 s",
        ),
        (
            Row {
                start,
                end,
                ..good.clone()
            },
            "a later end",
        ),
        (
            Row {
                start: Some(f64::NAN),
                ..good.clone()
            },
            "found NaN",
        ),
        (
            Row {
                end: Some(1e300),
                ..good.clone()
            },
            "seconds from 0",
        ),
        (Row::new("nothing", Sound::Bytes([].into())), "empty"),
        (
            Row::new("far", Sound::Unread("it has gone".into())),
            "it has gone",
        ),
        (good, ""),
    ];
    let (rows, expected): (Vec<Row>, Vec<&str>) = rows.into_iter().unzip();
    let columns = answerer().columns();
    let answers = answerer().answer(&rows);
    assert_eq!(answers.len(), rows.len());
    for ((row, answered), expected) in rows.iter().zip(&answers).zip(expected) {
        assert_eq!(answered.id, row.id);
        let values = answerer().values(answered);
        let named = columns.iter().map(|column| column.name()).zip(values);
        let named: BTreeMap<&str, Value<'_>> = named.collect();
        assert_eq!(named.len(), columns.len());
        assert_eq!(named["id"], Value::Path(&row.id));
        let model = answerer().predictor().model().fingerprint();
        assert_eq!(named["model"], Value::Text(&model));
        match &answered.answer {
            Ok(answer) => {
                assert_eq!(expected, "", "{row:?}");
                assert_eq!(named["error"], Value::Missing);
                assert_eq!(named["uncertain"], Value::Bool(answer.uncertain));
                let label = &answerer().predictor().model().labels[answer.emotion()];
                assert_eq!(named["label"], Value::Text(label));
                let probability = named[format!("probability_{label}").as_str()];
                assert_eq!(probability, Value::Float(answer.confidence()));
            }
            Err(failed) => {
                assert_ne!(expected, "", "{failed:?}");
                assert!(failed.words.contains(expected), "{expected}: {failed:?}");
                assert_eq!(named["error"], Value::Text(&failed.words));
                assert_eq!(named["label"], Value::Missing);
                assert_eq!(named["seconds"], Value::Missing);
            }
        }
    }
    let remarks = answerer().values(&answers[1]);
    assert!(
        remarks
            .iter()
            .any(|value| matches!(value, Value::Text(text) if text.contains("no-speech")))
    );
}
