use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use ser_data::synth::{SynthConfig, generate};
use ser_data::{Corpus, Error, Protocol};
use tempfile::tempdir;

use crate::classifier::{linear_accuracy, measure};

fn small() -> SynthConfig {
    SynthConfig {
        actors: 2,
        clips_per_actor: 8,
        ..SynthConfig::default()
    }
}

/// Returns every file below a folder, with its bytes.
fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|e| e.file_type().is_file())
    {
        let name = entry
            .path()
            .strip_prefix(folder)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        files.insert(name, fs::read(entry.path()).unwrap());
    }
    files
}

#[test]
fn it_has_the_names_and_counts_of_ravdess() {
    let folder = tempdir().unwrap();
    let config = SynthConfig {
        actors: 2,
        ..SynthConfig::default()
    };
    generate(folder.path().join("synth"), &config, |_| ()).unwrap();
    let audit = Corpus::scan(folder.path()).unwrap().audit;
    assert_eq!(audit.clips, 120);
    assert_eq!(audit.missing.unwrap().len(), 22);
    assert_eq!(audit.duplicates.len(), 0);
    assert_eq!(audit.skipped, []);
    assert_eq!(audit.sample_rates, [(16_000, 120)].into());
    let mean = audit.seconds / 120.0;
    assert!((3.0..4.5).contains(&mean), "{mean} s");
}

#[test]
fn it_depends_on_the_seed_and_not_on_the_threads() {
    let folder = tempdir().unwrap();
    let made = |name: &str, threads: usize, config: &SynthConfig| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| generate(folder.path().join(name), config, |_| ()).unwrap());
        bytes(&folder.path().join(name))
    };
    let one = made("one", 1, &small());
    assert_eq!(one.len(), 17);
    assert!(one == made("three", 3, &small()));
    let other = made("other", 3, &SynthConfig { seed: 1, ..small() });
    assert!(one.iter().all(|(name, content)| other[name] != *content));
}

#[test]
fn a_smaller_corpus_is_a_part_of_a_larger_one_and_still_balanced() {
    let folder = tempdir().unwrap();
    let (part, whole) = (folder.path().join("part"), folder.path().join("whole"));
    let corpus = generate(&part, &small(), |_| ()).unwrap();
    let mut count = BTreeMap::new();
    corpus
        .clips()
        .iter()
        .for_each(|clip| *count.entry(&clip.emotion).or_insert(0) += 1);
    assert!(
        count.len() == 8 && count.values().all(|&clips| clips == 2),
        "{count:?}"
    );

    generate(
        &whole,
        &SynthConfig {
            actors: 3,
            clips_per_actor: 15,
            ..small()
        },
        |_| (),
    )
    .unwrap();
    let whole = bytes(&whole);
    assert!(
        bytes(&part)
            .iter()
            .filter(|(name, _)| name.ends_with("wav"))
            .all(|(name, clip)| whole[name] == *clip)
    );
}

#[test]
fn everything_made_from_it_says_synthetic() {
    let folder = tempdir().unwrap();
    let made = folder.path().join("synth");
    assert!(generate(&made, &small(), |_| ()).unwrap().is_synthetic());
    assert!(
        fs::read_to_string(made.join("SYNTHETIC.txt"))
            .unwrap()
            .starts_with("SYNTHETIC")
    );
    // Load it from the folder, from above, from below, through a manifest in another place, and by parts.
    let scanned = Corpus::scan(&made).unwrap();
    assert!(scanned.audit.synthetic);
    assert!(Corpus::scan(folder.path()).unwrap().corpus.is_synthetic());
    assert!(
        Corpus::scan(made.join("Actor_01"))
            .unwrap()
            .corpus
            .is_synthetic()
    );
    assert!(scanned.corpus.select(&["sad"]).unwrap().is_synthetic());
    assert!(
        scanned
            .corpus
            .merge_labels(&[("calm", "neutral")])
            .unwrap()
            .is_synthetic()
    );
    let manifest = folder.path().join("manifest.csv");
    scanned.corpus.write_manifest(&manifest).unwrap();
    fs::remove_file(made.join("SYNTHETIC.txt")).unwrap();
    assert!(Corpus::load(&manifest).unwrap().corpus.is_synthetic());
    assert!(!Corpus::scan(&made).unwrap().corpus.is_synthetic());
}

#[test]
fn progress_counts_every_clip_once() {
    let folder = tempdir().unwrap();
    let seen = Mutex::new(Vec::new());
    generate(folder.path().join("synth"), &small(), |done| {
        seen.lock().unwrap().push(done)
    })
    .unwrap();
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    assert_eq!(seen, (1..=16).collect::<Vec<_>>());
}

#[test]
fn making_it_again_does_nothing() {
    let folder = tempdir().unwrap();
    let first = generate(folder.path().join("synth"), &small(), |_| ()).unwrap();
    let again = generate(folder.path().join("synth"), &small(), |_| {
        panic!("made again")
    })
    .unwrap();
    assert_eq!(first, again);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_empty_folder_is_filled() {
    let folder = tempdir().unwrap();
    assert_eq!(generate(folder.path(), &small(), |_| ()).unwrap().len(), 16);
}

#[test]
fn what_else_is_in_the_folder_is_not_touched() {
    let folder = tempdir().unwrap();
    let refused =
        |path: &Path, config: &SynthConfig, reason: &str| match generate(path, config, |_| ()) {
            Err(error @ Error::SynthFolder { .. }) => {
                assert!(error.to_string().contains(reason), "{error}")
            }
            other => panic!("{other:?}"),
        };
    let foreign = folder.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("thesis.txt"), "years of work").unwrap();
    refused(&foreign, &small(), "something else");
    assert_eq!(bytes(&foreign).len(), 1);

    let made = folder.path().join("synth");
    generate(&made, &small(), |_| ()).unwrap();
    refused(&made, &SynthConfig { seed: 1, ..small() }, "other settings");
    fs::remove_file(made.join("Actor_01/03-01-01-01-01-01-01.wav")).unwrap();
    refused(&made, &small(), "changed");
}

#[test]
fn a_run_that_fails_leaves_no_folder() {
    let folder = tempdir().unwrap();
    let made = folder.path().join("synth");
    let stopped = std::panic::catch_unwind(|| generate(&made, &small(), |_| panic!("stopped")));
    assert!(stopped.is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn settings_out_of_range_are_named() {
    for (config, name) in [
        (
            SynthConfig {
                actors: 0,
                ..small()
            },
            "actors",
        ),
        (
            SynthConfig {
                actors: 25,
                ..small()
            },
            "actors",
        ),
        (
            SynthConfig {
                clips_per_actor: 61,
                ..small()
            },
            "clips_per_actor",
        ),
        (
            SynthConfig {
                sample_rate: 8_000,
                ..small()
            },
            "sample_rate",
        ),
    ] {
        match generate("never-made", &config, |_| ()) {
            Err(Error::SynthConfig { setting, .. }) => assert_eq!(setting, name),
            other => panic!("{other:?}"),
        }
    }
}

/// Neither loudness alone nor guessing is enough, while a linear model on spectral statistics classifies most clips of
/// held-out speakers correctly. So the corpus shows whether a model works or is broken.
#[test]
fn it_is_hard_for_loudness_and_learnable_from_the_spectrum() {
    let folder = tempdir().unwrap();
    let config = SynthConfig {
        clips_per_actor: 30,
        ..SynthConfig::default()
    };
    let corpus = generate(folder.path().join("synth"), &config, |_| ()).unwrap();
    let measured = measure(&corpus);
    let energy: Vec<Vec<f64>> = measured.iter().map(|clip| vec![clip.energy]).collect();
    let bands: Vec<Vec<f64>> = measured.into_iter().map(|clip| clip.bands).collect();
    let by_energy = linear_accuracy(&corpus, Protocol::FoldsA, &energy);
    let by_bands = linear_accuracy(&corpus, Protocol::FoldsA, &bands);
    println!(
        "synthetic corpus, folds-a: {by_energy:.3} by energy, {by_bands:.3} by band statistics"
    );
    assert!(by_energy < 0.45, "{by_energy}");
    assert!((0.5..0.9).contains(&by_bands), "{by_bands}");
}
