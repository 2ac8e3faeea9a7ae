use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ser_data::{Corpus, Error, LabelMap, Origin, Scan, SkipKind};
use tempfile::tempdir;

use crate::fixtures::{Wav, manifest};

#[test]
fn a_corpus_of_ones_own_needs_path_emotion_and_speaker() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join("anna/1.wav"));
    Wav::new(2).write(folder.path().join("bert/1.wav"));
    // A manifest as spreadsheets write it: byte order mark, CRLF, capitals, blanks, additional columns.
    let text = "\u{feff}Speaker, Path ,emotion,remark\r\nanna,anna/1.wav,bored,\r\nbert,bert/1.wav, happy ,\"a, b\"\r\n";
    let Scan { corpus, audit } = Corpus::load(manifest(folder.path(), text)).unwrap();
    assert_eq!(corpus.name(), "mine");
    assert_eq!(corpus.labels(), ["happy", "bored"]);
    assert_eq!(corpus.speakers(), ["anna", "bert"]);
    let first = &corpus.clips()[0];
    assert_eq!(
        (first.sample_rate, first.frames, first.content.len()),
        (16_000, 1_600, 32)
    );
    assert_eq!((first.gender.as_deref(), first.repetition), (None, None));
    assert_eq!(audit.missing, None);
}

/// Returns a manifest of two clips, with `|` for the separator.
const TWO: &str =
    "path|emotion|speaker|remark\r\n1.wav|sad|Zoë|\"a, b; c\"\r\n2.wav|happy|Jörg|\r\n|||\r\n";

#[test]
fn a_manifest_may_be_written_as_any_spreadsheet_does() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join("1.wav"));
    Wav::new(2).write(folder.path().join("2.wav"));
    let utf_16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let marked = format!("\u{feff}{text}");
        marked.encode_utf16().flat_map(bytes).collect()
    };
    for separator in [",", ";", "\t"] {
        let text = TWO.replace('|', separator);
        for bytes in [
            text.clone().into_bytes(),
            format!("\u{feff}{text}").into_bytes(),
            utf_16(&text, u16::to_le_bytes),
            utf_16(&text, u16::to_be_bytes),
        ] {
            for name in ["mine.csv", "mine.tsv", "MINE.TSV"] {
                let path = folder.path().join(name);
                fs::write(&path, &bytes).unwrap();
                let corpus = Corpus::load(&path).unwrap().corpus;
                assert_eq!(corpus.speakers(), ["Jörg", "Zoë"], "{separator:?}");
                assert_eq!(corpus.speaker_numbers(), [1, 0], "{separator:?}");
                assert_eq!(corpus.labels(), ["happy", "sad"], "{separator:?}");
            }
        }
    }
}

#[test]
fn columns_and_truth_values_may_be_spelled_as_spreadsheets_do() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join("1.wav"));
    for (written, synthetic) in [("TRUE", true), ("False", false)] {
        let text = format!("Path,Emotion,Speaker,Corpus,Synthetic\n1.wav,sad,a,jl,{written}\n");
        let corpus = Corpus::load(manifest(folder.path(), &text)).unwrap().corpus;
        assert_eq!(corpus.clips()[0].corpus(), Some("jl"));
        assert_eq!(corpus.is_synthetic(), synthetic);
    }
}

#[test]
fn errors_have_their_line_whatever_the_encoding() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join("1.wav"));
    let text = "\u{feff}path;emotion;speaker\n1.wav;sad;a\n2.wav;;a\n";
    let units: Vec<u16> = text.encode_utf16().collect();
    let bytes = |units: &[u16]| -> Vec<u8> { units.iter().flat_map(|u| u.to_le_bytes()).collect() };
    let mut half = units.clone();
    half.insert(units.len() - 5, 0xd800);
    let mut cut = bytes(&units[..units.len() - 7]);
    cut.push(b'2');
    for (bytes, at_line, at_column) in [
        (bytes(&units), 3, "emotion"),
        (bytes(&half), 3, "1"),
        (cut, 3, "1"),
    ] {
        let path = folder.path().join("mine.csv");
        fs::write(&path, bytes).unwrap();
        match Corpus::load(&path) {
            Err(Error::Csv { line, column, .. }) => {
                assert_eq!((line, column.as_str()), (at_line, at_column));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_clips_of_a_manifest_may_have_any_format() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join("plain.wav"));
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ser-audio/tests/fixtures");
    let mut text = "path,emotion,speaker\nplain.wav,sad,a\n".to_owned();
    for name in [
        "native.flac",
        "stereo.mp3",
        "aac.m4a",
        "vorbis.ogg",
        "mulaw.wav",
    ] {
        fs::copy(fixtures.join(name), folder.path().join(name)).unwrap();
        text += &format!("{name},sad,a\n");
    }
    let path = manifest(folder.path(), &text);
    let Scan { corpus, audit } = Corpus::load(&path).unwrap();
    assert_eq!((corpus.len(), audit.skipped.len()), (6, 0));
    assert_eq!(audit.stereo, ["stereo"]);
    assert_eq!(
        audit.sample_rates,
        [(8_000, 2), (16_000, 3), (44_100, 1)].into()
    );
    assert!((audit.seconds - 5.1).abs() < 0.3, "{}", audit.seconds);
    assert_eq!(audit.duplicates.len(), 0);

    let again = folder.path().join("again.csv");
    corpus.write_manifest(&again).unwrap();
    assert_eq!(Corpus::load(&again).unwrap().corpus.clips(), corpus.clips());
}

#[test]
fn a_bad_clip_is_a_skip_with_its_reason() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join("1.wav"));
    fs::write(folder.path().join("2.wav"), "no sound at all").unwrap();
    let text = "path,emotion,speaker,content,sample_rate,channels,frames\n\
                1.wav,sad,a,,,,\n2.wav,sad,a,,,,\n3.wav,sad,a,,,,\n4.wav,sad,a,abc,16000,1,9\n";
    let Scan { corpus, audit } = Corpus::load(manifest(folder.path(), text)).unwrap();
    assert_eq!(corpus.len(), 1);
    let skipped: Vec<_> = audit
        .skipped
        .iter()
        .map(|skip| skip.path.file_name().unwrap())
        .collect();
    assert_eq!(skipped, ["2.wav", "3.wav", "4.wav"]);
    assert!(
        audit
            .skipped
            .iter()
            .all(|skip| skip.kind == SkipKind::Unreadable)
    );
    assert!(
        audit.skipped[0].reason.contains("RIFF"),
        "{}",
        audit.skipped[0].reason
    );
}

#[test]
fn a_folder_is_no_clip_whatever_the_row_says_of_it() {
    let folder = tempdir().unwrap();
    let text = "path,emotion,speaker,content,sample_rate,channels,frames\n.,sad,a,abc,16000,1,9\n";
    match Corpus::load(manifest(folder.path(), text)) {
        Err(Error::NoClips { skipped, .. }) => {
            assert!(skipped[0].reason.contains("it is a folder"), "{skipped:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_clip_and_is_not_waited_for() {
    let folder = tempdir().unwrap();
    let pipe = folder.path().join("pipe.wav");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    match Corpus::load(manifest(
        folder.path(),
        "path,emotion,speaker\npipe.wav,sad,a\n",
    )) {
        Err(Error::NoClips { skipped, .. }) => {
            assert!(skipped[0].reason.contains("a pipe"), "{skipped:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_file_in_two_spellings_is_refused() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join("1.wav"));
    let text = "path,emotion,speaker\n1.wav,sad,a\n./1.wav,happy,a\n";
    let refused = Corpus::load(manifest(folder.path(), text)).unwrap_err();
    let refused = refused.to_string();
    assert!(
        refused.contains("line 3") && refused.contains("each file once"),
        "{refused}"
    );
}

#[test]
fn errors_name_line_and_column() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join("1.wav"));
    for (text, at_line, at_column, found) in [
        ("path,speaker\n1.wav,a\n", 1, "emotion", "path,speaker"),
        (
            "path,emotion,speaker\n1.wav,sad,a\n\n2.wav,,a\n",
            4,
            "emotion",
            "",
        ),
        (
            "path,emotion,speaker\n1.wav,sad,a\n1.wav,sad,a\n",
            3,
            "path",
            "1.wav",
        ),
        ("path,emotion,speaker\n1.wav,sad\n", 2, "3", "2 fields"),
        ("path;emotion;speaker\n1.wav;sad\n", 2, "3", "2 fields"),
        (
            "path,emotion,speaker,Path\n1.wav,sad,a,2.wav\n",
            1,
            "path",
            "path,emotion,speaker,Path",
        ),
        (
            "\u{feff}path,emotion,speaker\n1.wav,sad,a\n2.wav,,a\n",
            3,
            "emotion",
            "",
        ),
        (
            "path,emotion,speaker\n\"a\nb\",sad,a\n2.wav,,a\n",
            4,
            "emotion",
            "",
        ),
        (
            "path,emotion,speaker,repetition\n1.wav,sad,a,two\n",
            2,
            "repetition",
            "two",
        ),
        (
            "path,emotion,speaker,sample_rate\n1.wav,sad,a,0\n",
            2,
            "sample_rate",
            "0",
        ),
        (
            "path,emotion,speaker,start\n1.wav,sad,a,-1\n",
            2,
            "start",
            "-1",
        ),
        (
            "path,emotion,speaker,start\n1.wav,sad,a,\"0,5\"\n",
            2,
            "start",
            "0,5",
        ),
        (
            "path;emotion;speaker;start;end\n1.wav;sad;a;0,5;0,5\n",
            2,
            "end",
            "0,5",
        ),
        (
            "path,emotion,speaker,end,content,sample_rate,channels,frames\n1.wav,sad,a,0.1,abc,16000,1,1601\n",
            2,
            "frames",
            "1601",
        ),
        (
            "path,emotion,speaker,split\n1.wav,sad,a,learn\n",
            2,
            "split",
            "learn",
        ),
        (
            "path,emotion,speaker,synthetic\n1.wav,sad,a,maybe\n",
            2,
            "synthetic",
            "maybe",
        ),
    ] {
        match Corpus::load(manifest(folder.path(), text)) {
            Err(Error::Csv {
                line,
                column,
                actual,
                ..
            }) => {
                assert_eq!(
                    (line, column.as_str(), actual.as_str()),
                    (at_line, at_column, found),
                    "{text}"
                );
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

/// Returns the error for a manifest with these speakers and labels, without the path of the file.
fn refusal(folder: &Path, rows: &[(&str, &str, i16)]) -> Option<String> {
    let mut text = "path,speaker,emotion\n".to_owned();
    for (i, (speaker, emotion, content)) in rows.iter().enumerate() {
        Wav::new(*content).write(folder.join(format!("{i}.wav")));
        text += &format!("{i}.wav,\"{speaker}\",{emotion}\n");
    }
    let refused = Corpus::load(manifest(folder, &text)).err()?.to_string();
    Some(refused.split_once("mine.csv, ").unwrap().1.to_owned())
}

#[test]
fn one_speaker_in_two_spellings_is_refused() {
    let folder = tempdir().unwrap();
    let alike = |a, b| {
        refusal(
            folder.path(),
            &[(a, "sad", 1), ("x", "sad", 2), (b, "sad", 3)],
        )
    };
    for (first, second) in [
        ("anna", "Anna "),
        ("01", "1"),
        ("s1", "S1"),
        ("s-01", "S_1"),
        ("Anna Maria", "anna-maria"),
        ("AnnaMaria", "Anna\u{a0}Maria"),
        ("0", "000"),
        ("ÉVA", "éva"),
        ("group 2 - 07", "Group2_7"),
    ] {
        let refused = alike(first, second).unwrap_or_else(|| panic!("{first} = {second}"));
        let second = second.trim();
        assert_eq!(
            refused,
            format!(
                "line 4, column `speaker`: expected `{first}` as in line 2: use one spelling, \
                 found `{second}`"
            )
        );
    }
    for (first, second) in [
        ("anna", "hanna"),
        ("1", "10"),
        ("1-11", "11-1"),
        ("1_11", "111"),
        ("s1", "1"),
        ("é", "e"),
        ("--", "1"),
        ("a1", "1a"),
    ] {
        assert_eq!(alike(first, second), None, "{first} is not {second}");
    }
}

#[test]
fn one_label_in_two_spellings_is_refused() {
    let folder = tempdir().unwrap();
    let refused = refusal(folder.path(), &[("a", "happy", 1), ("a", "Happy", 2)]).unwrap();
    assert!(
        refused.starts_with("line 3, column `emotion`: expected `happy` as in line 2"),
        "{refused}"
    );
    assert!(refused.contains("`labels` in the [task]"), "{refused}");

    let labels = [(
        "happy".to_owned(),
        vec!["Happy".to_owned(), "joy".to_owned()],
    )]
    .into();
    let joined =
        Corpus::load_with(folder.path().join("mine.csv").as_path().into(), &labels).unwrap();
    assert_eq!(joined.corpus.labels(), ["happy"]);
    let found = joined.audit.renamed.iter();
    let found: Vec<(&str, usize)> = found.map(|r| (r.from.as_str(), r.clips)).collect();
    assert_eq!(found, [("Happy", 1), ("joy", 0)]);
}

#[test]
fn a_label_of_one_corpus_alone_is_renamed_there_and_before_what_holds_for_all() {
    let folder = tempdir().unwrap();
    let rows = ["jl", "esd", "", "jl"]
        .iter()
        .zip(1..)
        .map(|(corpus, seed)| {
            let file = format!("{seed}.wav");
            Wav::new(seed).write(folder.path().join(&file));
            let emotion = if seed == 4 { "calm" } else { "excited" };
            format!("{file},{emotion},a,{corpus}\n")
        });
    let text = format!("path,emotion,speaker,corpus\n{}", rows.collect::<String>());
    let path = manifest(folder.path(), &text);
    let name = path.file_stem().unwrap().to_str().unwrap();
    let labels: LabelMap = [
        ("happy".to_owned(), vec!["jl:excited".to_owned()]),
        ("surprised".to_owned(), vec!["excited".to_owned()]),
        ("angry".to_owned(), vec![format!("{name}:excited")]),
    ]
    .into();
    let Scan { corpus, audit } = Corpus::load_with(path.as_path().into(), &labels).unwrap();
    let found: Vec<&str> = corpus
        .clips()
        .iter()
        .map(|clip| clip.emotion.as_str())
        .collect();
    assert_eq!(found, ["happy", "surprised", "angry", "calm"]);
    assert!(audit.renamed.iter().all(|renamed| renamed.clips == 1));
}

#[test]
fn relative_paths_are_looked_up_in_a_root_then_beside_the_manifest() {
    let (tables, sounds) = (tempdir().unwrap(), tempdir().unwrap());
    let (root, beside) = (sounds.path(), tables.path());
    for (folder, name, seed) in [
        (root, "both.wav", 1),
        (beside, "both.wav", 2),
        (beside, "own.wav", 3),
    ] {
        Wav::new(seed).write(folder.join(name));
    }
    let absolute = root.join("far.wav");
    Wav::new(4).write(&absolute);
    let text = format!(
        "path,emotion,speaker\nboth.wav,sad,a\nown.wav,sad,a\n{},sad,a\nnone.wav,sad,a\n",
        absolute.display()
    );
    let path = manifest(beside, &text);
    let load = |path, root| Corpus::load_with(Origin { path, root }, &LabelMap::new());

    let Scan { corpus, audit } = load(&path, Some(root)).unwrap();
    let found: Vec<&Path> = corpus.clips().iter().map(|clip| &*clip.path).collect();
    assert_eq!(
        found,
        [&root.join("both.wav"), &absolute, &beside.join("own.wav")]
    );
    let [skip] = &audit.skipped[..] else {
        panic!("{:?}", audit.skipped)
    };
    assert_eq!(skip.path, root.join("none.wav"));
    let second = format!(
        "; {} does not exist either",
        beside.join("none.wav").display()
    );
    assert!(skip.reason.ends_with(&second), "{}", skip.reason);

    let audit = load(&path, None).unwrap().audit;
    let [skip] = &audit.skipped[..] else {
        panic!("{:?}", audit.skipped)
    };
    assert_eq!(skip.path, beside.join("none.wav"));
    assert!(skip.reason.contains("--root DIR"), "{}", skip.reason);

    let refused = |path, root| load(path, Some(root)).unwrap_err().to_string();
    let absent = root.join("absent");
    let said = refused(&path, &absent);
    assert!(said.starts_with(&absent.display().to_string()), "{said}");
    assert!(refused(root, root).contains("the manifest"));
}

#[test]
fn twins_with_two_speakers_or_labels_are_refused() {
    let folder = tempdir().unwrap();
    let refused = |a, b| refusal(folder.path(), &[a, ("a", "calm", 2), b]);
    assert_eq!(
        refused(("a", "sad", 1), ("b", "sad", 1)).unwrap(),
        "line 4, column `speaker`: expected `a`, as in line 2, which lists the same recording, found `b`"
    );
    assert_eq!(
        refused(("a", "sad", 1), ("a", "happy", 1)).unwrap(),
        "line 4, column `emotion`: expected `sad`, as in line 2, which lists the same recording, found `happy`"
    );
    // A copy with the same speaker and label is not an error; the audit lists it.
    assert_eq!(refused(("a", "sad", 1), ("a", "sad", 1)), None);
    let copies = Corpus::load(folder.path().join("mine.csv")).unwrap().audit;
    assert_eq!(copies.duplicates, [["0", "2"]]);
}

/// Writes one second of a ramp at 8 kHz in 16 bits: sample n has the value n.
fn ramp(path: &Path) {
    ser_fixtures::write_wav(path, 8_000, 0..8_000);
}

#[test]
fn a_row_may_be_a_part_of_a_file() {
    let folder = tempdir().unwrap();
    ramp(&folder.path().join("talk.wav"));
    Wav::new(1).write(folder.path().join("whole.wav"));
    let text = "path;start;end;emotion;speaker\ntalk.wav;0,5;0,75;sad;a\nwhole.wav;;;sad;b\n\
                talk.wav;;0.25;happy;a\n./talk.wav;0.75;;calm;b\ntalk.wav;0,250125;0,5;sad;c\n";
    let corpus = Corpus::load(manifest(folder.path(), text)).unwrap().corpus;
    let clips = corpus.clips();
    let names: Vec<&str> = clips.iter().map(|clip| clip.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "talk@0.000-0.250",
            "talk@0.250-0.500",
            "talk@0.500-0.750",
            "talk@0.750-1.000",
            "whole"
        ]
    );
    for (clip, start, frames) in [
        (&clips[0], 0, 2_000),
        (&clips[1], 2_001, 1_999),
        (&clips[2], 4_000, 2_000),
        (&clips[3], 6_000, 2_000),
    ] {
        let sound = clip.read().unwrap();
        let ramp: Vec<f32> = (start..start + frames)
            .map(|n| n as f32 / 32_768.0)
            .collect();
        assert_eq!(sound.samples, ramp, "{}", clip.name);
        assert_eq!((sound.sample_rate, clip.frames), (8_000, frames as u64));
        assert_eq!((clip.sample_rate, clip.channels), (8_000, 1));
    }
    let contents: BTreeSet<&str> = clips.iter().map(|clip| clip.content.as_str()).collect();
    assert_eq!(contents.len(), 5);

    let again = folder.path().join("again.csv");
    corpus.write_manifest(&again).unwrap();
    assert_eq!(Corpus::load(&again).unwrap().corpus.clips(), clips);
}

#[test]
fn equal_parts_are_twins_wherever_they_lie() {
    let folder = tempdir().unwrap();
    ramp(&folder.path().join("1.wav"));
    ramp(&folder.path().join("2.wav"));
    let text = "path,start,end,emotion,speaker\n1.wav,0.1,0.3,sad,a\n2.wav,0.1,0.3,sad,b\n";
    let refused = Corpus::load(manifest(folder.path(), text)).unwrap_err();
    assert!(
        refused.to_string().contains("line 3, column `speaker`"),
        "{refused}"
    );
}

#[test]
fn parts_that_overlap_are_refused_with_both_lines() {
    let folder = tempdir().unwrap();
    ramp(&folder.path().join("talk.wav"));
    for (rows, at, with) in [
        ("talk.wav,0.2,0.5,sad,a\ntalk.wav,0.4,0.6,sad,a\n", 3, 2),
        ("talk.wav,0.4,0.6,sad,a\n./talk.wav,0.2,0.5,sad,b\n", 3, 2),
        ("talk.wav,,,sad,a\ntalk.wav,0.2,0.5,sad,a\n", 3, 2),
        (
            "talk.wav,0.5,,sad,a\ntalk.wav,0.1,0.2,sad,a\ntalk.wav,,0.15,sad,a\n",
            4,
            3,
        ),
        ("talk.wav,0.2,0.5,sad,a\ntalk.wav,0.2,0.5,sad,a\n", 3, 2),
    ] {
        let text = format!("path,start,end,emotion,speaker\n{rows}");
        match Corpus::load(manifest(folder.path(), &text)) {
            Err(Error::Csv { line, expected, .. }) => {
                assert_eq!(line, at, "{rows}");
                let named = format!("does not overlap the one in line {with}:");
                assert!(expected.contains(&named), "{expected}");
            }
            other => panic!("{rows}: {other:?}"),
        }
    }
}

#[test]
fn a_part_that_the_file_does_not_have_is_a_skip() {
    let folder = tempdir().unwrap();
    ramp(&folder.path().join("talk.wav"));
    // A table may round: the last part ends with the file.
    let text = "path,start,end,emotion,speaker\ntalk.wav,0.9,1.05,sad,a\ntalk.wav,1.5,2,sad,a\n\
                talk.wav,0.5,1.5,sad,a\ntalk.wav,3,,sad,a\n";
    let Scan { corpus, audit } = Corpus::load(manifest(folder.path(), text)).unwrap();
    assert_eq!(corpus.clips()[0].name, "talk@0.900-1.000");
    let reasons: Vec<&str> = audit.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "expected the part from 1.500 s to 2.000 s, found a recording of 1.000 s",
            "expected the part from 0.500 s to 1.500 s, found a recording of 1.000 s",
            "expected the part from 3.000 s, found a recording of 1.000 s",
        ]
    );
}

#[test]
fn a_manifest_without_a_usable_clip_is_an_error() {
    let folder = tempdir().unwrap();
    for (text, skips) in [
        ("path,emotion,speaker\n", 0),
        ("path,emotion,speaker\nabsent.wav,sad,a\n", 1),
    ] {
        match Corpus::load(manifest(folder.path(), text)) {
            Err(Error::NoClips { skipped, .. }) => assert_eq!(skipped.len(), skips),
            other => panic!("{other:?}"),
        }
    }
}
