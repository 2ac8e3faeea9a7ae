use std::fs;
use std::path::Path;

use ser_data::corpora::{self, Access, KnownCorpus};
use ser_data::{Corpus, Scan, SkipKind};
use tempfile::tempdir;

use crate::fixtures::Wav;

/// A file of a corpus with its expected emotion, speaker, gender, intensity, statement and repetition.
type Told = (&'static str, [&'static str; 6]);

/// File names as the corpora are distributed, and as copies of them have.
const NAMES: [(&str, &[Told]); 19] = [
    (
        "ravdess-song",
        &[
            (
                "Actor_24/03-02-01-01-01-01-24.wav",
                ["neutral", "24", "female", "normal", "kids", "1"],
            ),
            (
                "Audio_Song_Actors_01-24/Actor_01/03-02-05-02-02-01-01.wav",
                ["angry", "01", "male", "strong", "dogs", "1"],
            ),
        ],
    ),
    (
        "aesdd",
        &[
            ("anger/a03 (3).wav", ["angry", "3", "", "", "03", "1"]),
            ("fear/f10 (01).wav", ["fearful", "1", "", "", "10", "1"]),
            ("fear/f18 (5)b.wav", ["fearful", "5", "", "", "18", "2"]),
            ("happiness/h09 (6).wav", ["happy", "6", "", "", "09", "1"]),
        ],
    ),
    (
        "ased",
        &[
            (
                "05Angry/a5-02-01-01-33.wav",
                ["angry", "33", "female", "", "a02", "1"],
            ),
            (
                "05Angry/a5-06-02-02-45.wav",
                ["angry", "45", "male", "", "a06", "2"],
            ),
            (
                "04Sad/S4-04-02-01-29.wav",
                ["sad", "29", "female", "", "s04", "2"],
            ),
        ],
    ),
    (
        "cafe",
        &[
            (
                "CaFE_48k/Peur/Fort/12-P-2-5.wav",
                ["fearful", "12", "female", "high", "5", ""],
            ),
            (
                "CaFE_48k/Neutre/01-N-1-1.wav",
                ["neutral", "01", "male", "low", "1", ""],
            ),
            (
                "CaFE_48k/D‚go–t/Fort/10-D-2-1.wav",
                ["disgust", "10", "female", "high", "1", ""],
            ),
        ],
    ),
    (
        "crema-d",
        &[
            (
                "AudioWAV/1001_DFA_ANG_XX.wav",
                ["angry", "1001", "male", "", "DFA", ""],
            ),
            (
                "AudioWAV/1091_IEO_SAD_LO.wav",
                ["sad", "1091", "female", "low", "IEO", ""],
            ),
            (
                "1049/1049_IEO_HAP_MD.wav",
                ["happy", "1049", "female", "medium", "IEO", ""],
            ),
            (
                "AudioWAV/1040_ITH_SAD_X.wav",
                ["sad", "1040", "male", "", "ITH", ""],
            ),
        ],
    ),
    (
        "emo-db",
        &[
            ("wav/03a01Fa.wav", ["happy", "03", "male", "", "a01", "1"]),
            ("wav/16b10Lb.wav", ["bored", "16", "female", "", "b10", "2"]),
        ],
    ),
    (
        "emogator",
        &[
            (
                "data/mp3/000001-01-1.wav",
                ["adoration", "000001", "", "", "", "1"],
            ),
            (
                "data/mp3/000357-30-3.wav",
                ["triumph", "000357", "", "", "", "3"],
            ),
            (
                "data/mp3/000002-15-2.wav",
                ["fearful", "000002", "", "", "", "2"],
            ),
        ],
    ),
    (
        "emov-db",
        &[
            (
                "jenie_Amused/amused_57-84_0057.wav",
                ["amused", "jenie", "female", "", "0057", ""],
            ),
            (
                "EmoV-DB_sorted/sam/Sleepy/sleepiness_1-28_0003.wav",
                ["sleepy", "sam", "male", "", "0003", ""],
            ),
            (
                "bea_Disgusted/disgust_1-28_0011.wav",
                ["disgust", "bea", "female", "", "0011", ""],
            ),
        ],
    ),
    (
        "emovo",
        &[
            (
                "f1/dis-f1-b1.wav",
                ["disgust", "f1", "female", "", "b1", ""],
            ),
            ("m3/tri-m3-n5.wav", ["sad", "m3", "male", "", "n5", ""]),
        ],
    ),
    (
        "esd",
        &[
            (
                "Emotion Speech Dataset/0001/Angry/train/0001_000391.wav",
                ["angry", "0001", "female", "", "zh041", ""],
            ),
            (
                "ESD/0011/Surprise/0011_001401.wav",
                ["surprised", "0011", "male", "", "en001", ""],
            ),
            (
                "0016/Neutral/evaluation/0016_000019.wav",
                ["neutral", "0016", "female", "", "en019", ""],
            ),
            (
                "0020/Surprise/0020_001750.wav",
                ["surprised", "0020", "male", "", "en350", ""],
            ),
        ],
    ),
    (
        "jl",
        &[
            (
                "JL(wav+txt)/female1_angry_10a_1.wav",
                ["angry", "female1", "female", "", "10a", "1"],
            ),
            (
                "JL(wav+txt)/male2_encouraging_3b_2.wav",
                ["encouraging", "male2", "male", "", "3b", "2"],
            ),
        ],
    ),
    (
        "mesd",
        &[
            (
                "Anger_C_A_abajo.wav",
                ["angry", "children", "", "", "abajo", ""],
            ),
            (
                "Happiness_F_B_por_favor.wav",
                ["happy", "women", "female", "", "por_favor", ""],
            ),
        ],
    ),
    (
        "nemo",
        &[
            (
                "nEMO-main/samples/EB0_anger_1.wav",
                ["angry", "EB0", "female", "", "1", ""],
            ),
            (
                "samples/WR0_surprised_64.wav",
                ["surprised", "WR0", "male", "", "64", ""],
            ),
            (
                "samples/MK0_sadness_6.wav",
                ["sad", "MK0", "female", "", "6", ""],
            ),
        ],
    ),
    (
        "ravdess",
        &[(
            "Actor_08/03-01-08-02-02-02-08.wav",
            ["surprised", "08", "female", "strong", "dogs", "2"],
        )],
    ),
    (
        "savee",
        &[
            (
                "AudioData/DC/a01.wav",
                ["angry", "DC", "male", "", "a01", ""],
            ),
            ("ALL/KL_sa15.wav", ["sad", "KL", "male", "", "sa15", ""]),
            ("JK/n30.wav", ["neutral", "JK", "male", "", "n30", ""]),
            ("DCa02.wav", ["angry", "DC", "male", "", "a02", ""]),
        ],
    ),
    (
        "shemo",
        &[
            (
                "female/F21N23.wav",
                ["neutral", "F21", "female", "", "", ""],
            ),
            ("male/M36S02.wav", ["sad", "M36", "male", "", "", ""]),
        ],
    ),
    (
        "subesco",
        &[
            (
                "SUBESCO/F_01_OISHI_S_10_ANGRY_1.wav",
                ["angry", "F01", "female", "", "10", "1"],
            ),
            (
                "SUBESCO/F_02_MONIKA_S_2_SURPRISE_3].wav",
                ["surprised", "F02", "female", "", "2", "3"],
            ),
            (
                "M_10_EVAN_S_8_DISGUST_2.wav",
                ["disgust", "M10", "male", "", "8", "2"],
            ),
        ],
    ),
    (
        "tess",
        &[
            (
                "OAF_Pleasant_surprise/OAF_back_ps.wav",
                ["surprised", "OAF", "female", "", "back", ""],
            ),
            (
                "YAF_fear/YAF_young_fear.wav",
                ["fearful", "YAF", "female", "", "young", ""],
            ),
            (
                "OAF_neutral/OA_bite_neutral.wav",
                ["neutral", "OAF", "female", "", "bite", ""],
            ),
        ],
    ),
    (
        "urdu",
        &[
            (
                "Angry/SM1_F10_A010.wav",
                ["angry", "SM1", "male", "", "", ""],
            ),
            (
                "Happy/SF6_F1_H025.wav",
                ["happy", "SF6", "female", "", "", ""],
            ),
        ],
    ),
];

#[test]
fn corpora_are_told_by_the_names_of_their_files() {
    for (name, files) in NAMES {
        let folder = tempdir().unwrap();
        for ((file, _), content) in files.iter().zip(1..) {
            Wav::new(content).write(folder.path().join(file));
        }
        // A recording that does not belong to the corpus.
        Wav::new(99).write(folder.path().join("hello.wav"));
        let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
        assert_eq!(audit.known.map(|known| known.name), Some(name));
        assert_eq!(audit.skipped.len(), 1, "{name}: {:?}", audit.skipped);
        assert_eq!(audit.skipped[0].kind, SkipKind::ForeignName);
        for (file, told) in files {
            let path = folder.path().join(file);
            let clip = corpus.clips().iter().find(|clip| clip.path == path);
            let clip = clip.unwrap_or_else(|| panic!("{name}: {file} was not taken"));
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            let repetition = clip.repetition.map(|number| number.to_string());
            let found = [
                clip.emotion.clone(),
                clip.speaker.clone(),
                text(&clip.gender),
                text(&clip.intensity),
                text(&clip.statement),
                text(&repetition),
            ];
            assert_eq!(found, told.map(str::to_owned), "{name}: {file}");
        }
    }
}

#[test]
fn a_table_of_another_corpus_does_not_hide_this_one() {
    let folder = tempdir().unwrap();
    let table = folder.path().join("train_sent_emo.csv");
    fs::write(&table, "a table of my own").unwrap();
    let error = Corpus::scan(folder.path()).unwrap_err().to_string();
    assert!(error.contains("train_sent_emo.csv"), "{error}");
    Wav::new(1).write(folder.path().join("AudioWAV/1001_DFA_ANG_XX.wav"));
    let found = Corpus::scan(folder.path()).unwrap().audit;
    assert_eq!(found.known.map(|known| known.name), Some("crema-d"));
}

#[test]
fn meld_is_told_by_its_tables() {
    let folder = tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    let header = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime";
    let table = |row: &str| [header, "\n1,\"Oh my God, he\u{92}s lost it.\",", row].concat();
    Wav::new(1).write(at("train/train_splits/dia0_utt0.wav"));
    Wav::new(2).write(at("dev/dev_splits_complete/dia0_utt0.wav"));
    Wav::new(3).write(at("test/output_repeated_splits_test/dia0_utt0.wav"));
    Wav::new(4).write(at("test/output_repeated_splits_test/dia0_utt9.wav"));
    fs::write(
        at("train/train_sent_emo.csv"),
        table("Chandler,joy,positive,0,0,8,21,0:00:1,0:00:2\n"),
    )
    .unwrap();
    fs::write(
        at("dev_sent_emo.csv"),
        table("Phoebe,sadness,negative,0,0,4,7,\"00:20:57,256\",\"00:21:00,049\"\n"),
    )
    .unwrap();
    fs::write(
        at("test_sent_emo.csv"),
        table("Mark,surprise,positive,0,0,3,19,0:00:1,0:00:2\n"),
    )
    .unwrap();
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!(audit.known.map(|known| known.name), Some("meld"));
    let mut told: Vec<(&str, &str)> = corpus
        .clips()
        .iter()
        .map(|clip| (clip.speaker.as_str(), clip.emotion.as_str()))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("Chandler", "happy"),
            ("Mark", "surprised"),
            ("Phoebe", "sad")
        ]
    );
    let [skip] = audit.skipped.as_slice() else {
        panic!("{:?}", audit.skipped);
    };
    assert!(skip.path.ends_with("dia0_utt9.wav"));

    fs::write(
        at("dev_sent_emo.csv"),
        table("Phoebe,glee,negative,0,0,4,7,0,0\n"),
    )
    .unwrap();
    let error = Corpus::scan(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("dev_sent_emo.csv, line 2, column `emotion`"),
        "{error}"
    );
}

#[test]
fn iemocap_is_told_by_its_evaluations() {
    let folder = tempdir().unwrap();
    let wav = |turn: &str| {
        folder
            .path()
            .join(format!("Session1/sentences/wav/{}/{turn}.wav", &turn[..14]))
    };
    let turns = [
        "Ses01F_impro01_F000",
        "Ses01F_impro01_M000",
        "Ses01F_impro01_M001",
    ];
    for (turn, content) in turns.iter().zip(1..) {
        Wav::new(content).write(wav(turn));
    }
    let evaluation = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n\
        [6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\nC-E2:\tNeutral;\t()\nA-E3:\tval 3; act 2; dom  2;\t()\n\n\
        [7.5712 - 10.4750]\tSes01F_impro01_M000\texc\t[2.5000, 2.5000, 2.5000]\n\
        [12.0 - 13.1]\tSes01F_impro01_M001\txxx\t[2.5000, 2.5000, 2.5000]\n";
    let folder_of_texts = folder.path().join("Session1/dialog/EmoEvaluation");
    fs::create_dir_all(&folder_of_texts).unwrap();
    fs::write(folder_of_texts.join("Ses01F_impro01.txt"), evaluation).unwrap();
    fs::write(folder_of_texts.join("._Ses01F_impro01.txt"), [0, 5, 22, 7]).unwrap();
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!(audit.known.map(|known| known.name), Some("iemocap"));
    let told: Vec<_> = corpus
        .clips()
        .iter()
        .map(|clip| {
            (
                clip.speaker.as_str(),
                clip.emotion.as_str(),
                clip.gender.as_deref(),
                clip.statement.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Ses01F", "neutral", Some("female"), Some("impro01")),
            ("Ses01M", "excited", Some("male"), Some("impro01"))
        ]
    );
    assert_eq!(
        audit.skipped.len(),
        1,
        "nobody agreed on one: {:?}",
        audit.skipped
    );
}

#[test]
fn copies_of_the_same_recording_are_one_clip() {
    let folder = tempdir().unwrap();
    Wav::new(1).write(folder.path().join("OAF_neutral/OA_bite_neutral.wav"));
    Wav::new(1).write(
        folder
            .path()
            .join("TESS Toronto emotional speech set data/OAF_neutral/OAF_bite_neutral.wav"),
    );
    Wav::new(2).write(folder.path().join("OAF_neutral/OAF_back_neutral.wav"));
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!((corpus.len(), audit.skipped.len()), (2, 1));
    assert_eq!(audit.skipped[0].kind, SkipKind::Copy);
}

#[test]
fn a_speaker_in_two_spellings_is_one_and_so_is_a_recording() {
    let folder = tempdir().unwrap();
    for (content, name) in [
        (1, "EB0_anger_1"),
        (2, "eb0_fear_2"),
        (1, "old/eb0_anger_1"),
    ] {
        Wav::new(content).write(folder.path().join(format!("{name}.wav")));
    }
    let Scan { corpus, audit } = Corpus::scan(folder.path()).unwrap();
    assert_eq!(corpus.speakers().len(), 1, "{:?}", corpus.speakers());
    assert_eq!((corpus.len(), audit.skipped.len()), (2, 1));
    assert_eq!(audit.skipped[0].kind, SkipKind::Copy);
}

#[test]
fn names_that_a_file_system_without_case_changed_are_still_read() {
    for (name, files) in NAMES {
        for (file, _) in files {
            for file in [file.to_ascii_uppercase(), file.to_ascii_lowercase()] {
                let known = corpora::named(name).unwrap();
                assert!(known.tells(Path::new(&file)), "{name}: {file}");
            }
        }
    }
}

#[test]
fn no_name_belongs_to_two_corpora() {
    for (name, files) in NAMES {
        for (file, _) in files {
            let told = corpora::ALL
                .iter()
                .filter(|known| known.tells(Path::new(file)));
            let told: Vec<&str> = told.map(|known| known.name).collect();
            assert_eq!(told, [name], "{file}");
        }
    }
}

#[test]
fn nothing_of_a_corpus_is_left_open() {
    for known in corpora::ALL {
        let KnownCorpus {
            name,
            title,
            language,
            notes,
            licence,
            citation,
            address,
            example,
            ..
        } = known;
        for text in [
            name, title, language, notes, licence, citation, address, example,
        ] {
            assert!(!text.trim().is_empty(), "{name}");
        }
        assert!(known.recordings >= 400 && known.speakers >= 2, "{name}");
        assert!(address.starts_with("http"), "{name}: {address}");
        match known.access {
            Access::Archive { url, md5, .. } => {
                assert!(
                    url.starts_with("http") && url.contains(".zip"),
                    "{name}: {url}"
                );
                let is_md5 =
                    |md5: &str| md5.len() == 32 && md5.bytes().all(|b| b.is_ascii_hexdigit());
                assert!(md5.is_none_or(is_md5), "{name}: {md5:?}");
            }
            Access::ByHand(reason) => assert!(!reason.is_empty(), "{name}"),
        }
        assert_eq!(corpora::named(name), Some(known));
    }
    assert_eq!(corpora::named("RAVDESS"), None);
}

#[test]
fn of_an_archive_recordings_and_tables_are_wanted() {
    let wanted = |corpus: &str, file: &str| corpora::named(corpus).unwrap().wants(Path::new(file));
    for (name, files) in NAMES {
        for (file, _) in files {
            assert!(wanted(name, file), "{name}: {file}");
            assert!(
                !wanted(name, "Readme.pdf") && !wanted(name, "cover.wav"),
                "{name}"
            );
        }
    }
    for (corpus, file) in [
        ("meld", "train_splits/dia0_utt0.mp4"),
        ("meld", "train_sent_emo.csv"),
        ("ravdess", "corpus/SYNTHETIC.txt"),
        (
            "iemocap",
            "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt",
        ),
    ] {
        assert!(wanted(corpus, file), "{corpus}: {file}");
    }
    for (corpus, file) in [
        ("cafe", "CaFE_48k/Readme.txt"),
        ("cafe", "__MACOSX/CaFE_48k/Peur/Fort/._12-P-2-5.wav"),
        ("cafe", "12-P-2-5.txt"),
        ("emo-db", "emodb_2.0/laryngo/03a01Fa.wav"),
        (
            "iemocap",
            "Session1/dialog/EmoEvaluation/._Ses01F_impro01.txt",
        ),
        ("iemocap", "Session1/dialog/MOCAP_head/Ses01F_impro01.xls"),
    ] {
        assert!(!wanted(corpus, file), "{corpus}: {file}");
    }
}

#[test]
fn the_documentation_has_all_of_them() {
    let text = include_str!("../../../../docs/corpora.md");
    for known in corpora::ALL {
        let KnownCorpus {
            title,
            recordings,
            speakers,
            language,
            licence,
            address,
            example,
            ..
        } = known;
        let access = match known.access {
            Access::Archive { .. } => format!("`ser download {}`", known.name),
            Access::ByHand(reason) => reason.to_owned(),
        };
        let row = format!(
            "| [{title}]({address}) | {recordings} | {speakers} | {language} | {licence} | `{example}` | {access} |"
        );
        assert!(text.contains(&row), "docs/corpora.md should have: {row}");
        let described = format!("- **{title}**: {} {}.", known.notes, known.citation);
        assert!(
            text.contains(&described),
            "docs/corpora.md should have: {described}"
        );
    }
}
