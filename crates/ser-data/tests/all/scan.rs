use std::fs;
use std::path::{Path, PathBuf};

use ser_data::{Corpus, Error, Scan, SkipKind};
use tempfile::tempdir;

use crate::fixtures::{Wav, with_more_chunks};

const CLIP: &str = "03-01-05-01-01-01-01";
const OTHER: &str = "03-01-05-01-01-02-01";

#[test]
fn clips_are_found_wherever_they_lie_and_sorted_by_name() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join(format!("z/deep/Actor_01/{CLIP}.wav")));
    Wav::new(2).write(folder.path().join(format!("a/{OTHER}.WAV")));
    fs::write(folder.path().join("notes.txt"), "no clip").unwrap();
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    let names: Vec<String> = corpus
        .clips()
        .iter()
        .map(|clip| clip.name.clone())
        .collect();
    assert_eq!(names, [CLIP, OTHER]);
    assert_eq!(audit.skipped, []);

    let clip = &corpus.clips()[0];
    assert_eq!(
        (clip.emotion.as_str(), clip.speaker.as_str()),
        ("angry", "01")
    );
    assert_eq!(clip.gender.as_deref(), Some("male"));
    assert_eq!(clip.intensity.as_deref(), Some("normal"));
    assert_eq!(clip.statement.as_deref(), Some("kids"));
    assert_eq!(clip.repetition, Some(1));
    assert_eq!(
        (clip.sample_rate, clip.channels, clip.frames),
        (16_000, 1, 1_600)
    );
    assert!((clip.seconds() - 0.1).abs() < 1e-9);
}

#[test]
fn a_nested_second_copy_does_not_double_the_corpus() {
    let folder = tempdir().unwrap();
    let nested = folder
        .path()
        .join("audio_speech_actors_01-24/Actor_01")
        .join(CLIP)
        .with_extension("wav");
    let first = folder
        .path()
        .join("Actor_01")
        .join(CLIP)
        .with_extension("wav");
    Wav::new(1).write(&nested);
    Wav::new(1).write(&first);
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!(corpus.len(), 1);
    assert_eq!(corpus.clips()[0].path, first);
    assert_eq!(
        (&audit.skipped[0].path, audit.skipped[0].kind),
        (&nested, SkipKind::Copy)
    );
    assert_eq!(audit.duplicates.len(), 0);
}

#[test]
fn one_name_with_two_contents_is_a_conflict_that_names_both() {
    let folder = tempdir().unwrap();
    let first = folder.path().join(format!("a/{CLIP}.wav"));
    let second = folder.path().join(format!("b/{CLIP}.wav"));
    Wav::new(1).write(&first);
    Wav::new(2).write(&second);
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!(corpus.len(), 1);
    let skip = &audit.skipped[0];
    assert_eq!((&skip.path, skip.kind), (&second, SkipKind::Conflict));
    assert!(
        skip.reason.contains(first.to_str().unwrap()),
        "{}",
        skip.reason
    );
}

#[test]
fn the_same_audio_under_two_names_is_a_duplicate() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join(format!("{CLIP}.wav")));
    Wav::new(1).write(folder.path().join(format!("{OTHER}.wav")));
    Wav::new(2).write(folder.path().join("03-01-05-01-02-01-01.wav"));
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!(corpus.len(), 3);
    assert_eq!(audit.duplicates, [[CLIP, OTHER]]);
}

#[test]
fn content_is_format_and_samples_but_no_other_chunk() {
    let folder = tempdir().unwrap();
    let content = |name: &str, wav: Wav, edit: fn(&[u8]) -> Vec<u8>| {
        let path = folder.path().join(name).join(format!("{CLIP}.wav"));
        wav.write(&path);
        fs::write(&path, edit(&fs::read(&path).unwrap())).unwrap();
        Corpus::scan(folder.path().join(name))
            .unwrap()
            .corpus
            .clips()[0]
            .content
            .clone()
    };
    let plain = content("plain", Wav::new(1), <[u8]>::to_vec);
    assert_eq!(content("chunks", Wav::new(1), with_more_chunks), plain);
    assert_ne!(content("samples", Wav::new(2), <[u8]>::to_vec), plain);
    let slower = Wav {
        sample_rate: 8_000,
        ..Wav::new(1)
    };
    assert_ne!(content("rate", slower, <[u8]>::to_vec), plain);
}

/// Returns the path of a recording from the tests of `ser-audio`, one second at 8000 Hz.
fn chirp(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../ser-audio/tests/fixtures")
        .join(name)
}

#[test]
fn a_corpus_of_flac_is_the_corpus_of_its_wav() {
    let folder = tempdir().unwrap();
    let (wav, flac) = (folder.path().join("wav"), folder.path().join("flac"));
    fs::create_dir_all(&wav).unwrap();
    fs::create_dir_all(&flac).unwrap();
    fs::copy(chirp("native.flac"), flac.join(format!("{CLIP}.FLAC"))).unwrap();
    let samples = ser_audio::read(chirp("native.flac")).unwrap().samples;
    let samples = samples.iter().map(|sample| (sample * 32_768.0) as i16);
    ser_fixtures::write_wav(&wav.join(format!("{CLIP}.wav")), 8000, samples);

    let [of_wav, of_flac] = [wav, flac].map(|folder| Corpus::scan(folder).unwrap().corpus);
    assert_eq!(of_wav.checksum(), of_flac.checksum());
    let facts = |corpus: &Corpus| {
        let clip = &corpus.clips()[0];
        let format = (clip.sample_rate, clip.channels, clip.frames);
        (clip.name.clone(), clip.content.clone(), format)
    };
    assert_eq!(facts(&of_wav), facts(&of_flac));
    assert_eq!(facts(&of_flac).2, (8000, 1, 8000));

    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!((corpus.len(), audit.skipped.len()), (1, 1));
    assert_eq!(audit.skipped[0].kind, SkipKind::Copy);
}

#[test]
fn every_bad_file_is_a_skip_with_its_reason() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    Wav::new(1).write(at(&format!("{CLIP}.wav")));
    let good = fs::read(at(&format!("{CLIP}.wav"))).unwrap();
    let bad: [(&str, &[u8], SkipKind, &str); 10] = [
        (
            "01-01-05-01-01-01-01.mp4",
            b"",
            SkipKind::NotSpeech,
            "audio-video speech",
        ),
        (
            "03-01-05-01-01-02-02.flac",
            b"fLaC",
            SkipKind::Unreadable,
            "cut short",
        ),
        (
            "03-01-05-01-01-02-02.txt",
            b"kids are talking by the door",
            SkipKind::Unreadable,
            ".txt",
        ),
        ("song.mp3", b"ID3", SkipKind::ForeignName, "seven fields"),
        (
            "03-01-05-01-01-02-03.wav",
            b"",
            SkipKind::Unreadable,
            "the file is empty",
        ),
        (
            "03-01-05-01-01-02-04.wav",
            b"not a WAV file",
            SkipKind::Unreadable,
            "RIFF",
        ),
        (
            "03-01-05-01-01-02-05.wav",
            &good[..40],
            SkipKind::Unreadable,
            "no data chunk",
        ),
        (
            "03-02-05-01-01-01-01.wav",
            &good,
            SkipKind::NotSpeech,
            "audio song",
        ),
        (
            "03-01-09-01-01-01-01.wav",
            &good,
            SkipKind::ForeignName,
            "emotion",
        ),
        ("hello.wav", &good, SkipKind::ForeignName, "seven fields"),
    ];
    for (name, bytes, ..) in bad {
        fs::write(at(name), bytes).unwrap();
    }
    fs::write(
        at(&format!("._{OTHER}.wav")),
        "macOS metadata, not reported",
    )
    .unwrap();

    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!(corpus.len(), 1);
    assert_eq!(audit.skipped.len(), bad.len());
    for (name, _, kind, reason) in bad {
        let skip = audit
            .skipped
            .iter()
            .find(|skip| skip.path == at(name))
            .unwrap();
        assert_eq!(skip.kind, kind, "{name}");
        assert!(skip.reason.contains(reason), "{name}: {}", skip.reason);
        let path = at(name).display().to_string();
        assert!(!skip.reason.contains(&path), "told twice: {}", skip.reason);
    }
}

#[test]
fn a_clip_that_is_cut_short_is_taken_and_listed() {
    let folder = tempdir().unwrap();
    let path = folder.path().join(format!("{CLIP}.wav"));
    Wav::new(1).write(&path);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 7]).unwrap();
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!((corpus.len(), audit.skipped.len()), (1, 0));
    assert_eq!(audit.damaged.len(), 1);
    assert_eq!(audit.damaged[0].path, path);
    assert!(audit.damaged[0].reason.starts_with("cut short: "));
}

#[test]
fn a_wav_without_samples_is_unreadable() {
    let folder = tempdir().unwrap();
    let path = folder.path().join(format!("{CLIP}.wav"));
    Wav::new(1).write(&path);
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(44);
    bytes[40..44].fill(0);
    fs::write(&path, bytes).unwrap();
    match Corpus::scan(folder.path()) {
        Err(Error::NoClips { skipped, .. }) => {
            assert!(skipped[0].reason.contains("0 samples"), "{skipped:?}")
        }
        other => panic!("{other:?}"),
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_nowhere_is_skipped_and_its_path_told_once() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join(format!("{CLIP}.wav")));
    let link = folder.path().join(format!("{OTHER}.wav"));
    std::os::unix::fs::symlink(folder.path().join("nowhere.wav"), &link).unwrap();
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!(corpus.clips().len(), 1);
    let [skip] = audit.skipped.as_slice() else {
        panic!("{:?}", audit.skipped);
    };
    assert_eq!((&skip.path, skip.kind), (&link, SkipKind::Unreadable));
    assert!(!skip.reason.contains(OTHER), "{}", skip.reason);
    assert!(skip.reason.contains("No such file"), "{}", skip.reason);
}

#[test]
fn the_audit_counts_what_is_there_and_what_is_missing() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join(format!("{CLIP}.wav")));
    Wav {
        channels: 2,
        ..Wav::new(1)
    }
    .write(folder.path().join("03-01-01-01-01-01-02.wav"));
    Wav {
        sample_rate: 8_000,
        ..Wav::new(1)
    }
    .write(folder.path().join("03-01-08-02-01-01-02.wav"));
    let audit = Corpus::scan(folder.path()).unwrap().audit;
    assert_eq!(audit.clips, 3);
    assert!((audit.seconds - 0.3).abs() < 1e-9);
    assert_eq!(
        audit.emotions,
        [("angry", 1), ("neutral", 1), ("surprised", 1)]
            .map(owned)
            .into()
    );
    assert_eq!(audit.speakers, [("01", 1), ("02", 2)].map(owned).into());
    assert_eq!(
        audit.genders,
        [("male", 1), ("female", 2)].map(owned).into()
    );
    assert_eq!(
        audit.intensities,
        [("normal", 2), ("strong", 1)].map(owned).into()
    );
    assert_eq!(audit.stereo, ["03-01-01-01-01-01-02"]);
    assert_eq!(audit.sample_rates, [(16_000, 2), (8_000, 1)].into());
    assert_eq!(audit.odd_sample_rates, ["03-01-08-02-01-01-02"]);
    let missing = audit.missing.unwrap();
    let counts: Vec<usize> = missing.iter().map(|actor| actor.names.len()).collect();
    assert_eq!(counts[..3], [59, 58, 60]);
    assert_eq!(counts.len(), 24);
    assert!(!missing[0].names.contains(&CLIP.to_owned()));
}

fn owned((name, count): (&str, usize)) -> (String, usize) {
    (name.to_owned(), count)
}

#[test]
fn the_audit_is_written_as_json() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join(format!("{CLIP}.wav")));
    fs::write(folder.path().join("hello.wav"), "").unwrap();
    let json = serde_json::to_value(Corpus::scan(folder.path()).unwrap().audit).unwrap();
    assert_eq!(json["clips"], 1);
    assert_eq!(json["synthetic"], false);
    assert_eq!(json["skipped"][0]["kind"], "foreign-name");
    assert_eq!(json["missing"][0]["speaker"], "01");
}

#[test]
fn a_folder_without_clips_or_no_folder_is_an_error_with_its_path() {
    let folder = tempdir().unwrap();
    let error = Corpus::load(folder.path()).unwrap_err();
    assert!(matches!(&error, Error::NoClips { skipped, .. } if skipped.is_empty()));
    assert!(error.to_string().contains("manifest"), "{error}");
    let absent = folder.path().join("absent");
    let error = Corpus::load(&absent).unwrap_err();
    assert!(
        error.to_string().starts_with(absent.to_str().unwrap()),
        "{error}"
    );
}

#[test]
fn what_lies_beside_a_recording_is_not_missed_and_what_stands_in_its_place_is() {
    let folder = tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    Wav::new(1).write(file(&format!("{CLIP}.wav")));
    for name in [CLIP, OTHER] {
        fs::write(
            file(&format!("{name}.txt")),
            "Kids are talking by the door.",
        )
        .unwrap();
    }
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!(corpus.len(), 1);
    let skipped: Vec<&Path> = audit.skipped.iter().map(|skip| &*skip.path).collect();
    assert_eq!(skipped, [file(&format!("{OTHER}.txt"))]);
}

#[test]
fn of_an_original_and_its_compressed_copy_the_original_is_taken() {
    let folder = tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::create_dir(file("AudioMP3")).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ser-audio/tests/fixtures");
    let copy = file("AudioMP3/1001_DFA_ANG_XX.mp3");
    fs::copy(fixtures.join("mono.mp3"), &copy).unwrap();
    Wav::new(1).write(file("AudioWAV/1001_DFA_ANG_XX.wav"));
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!(corpus.clips()[0].path, file("AudioWAV/1001_DFA_ANG_XX.wav"));
    assert_eq!(corpus.len(), 1);
    let skipped = &audit.skipped;
    assert_eq!((skipped.len(), skipped[0].kind), (1, SkipKind::Copy));
    assert_eq!(skipped[0].path, copy);
}

#[test]
fn of_a_damaged_copy_and_a_complete_one_the_complete_one_is_taken() {
    let folder = tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (damaged, complete) = (
        file("1001_DFA_ANG_XX.wav"),
        file("before/1001_DFA_ANG_XX.wav"),
    );
    Wav::new(1).write(&damaged);
    Wav::new(1).write(&complete);
    let bytes = fs::read(&damaged).unwrap();
    fs::write(&damaged, &bytes[..bytes.len() / 2]).unwrap();
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    let taken: Vec<&Path> = corpus.clips().iter().map(|clip| &*clip.path).collect();
    assert_eq!(taken, [complete]);
    assert_eq!(audit.skipped.len(), 1);
    assert_eq!(audit.skipped[0].path, damaged);
}
