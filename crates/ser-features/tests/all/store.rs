//! Checks that nothing is computed twice, and that nothing damaged or outdated is ever returned.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use ser_audio::Waveform;
use ser_features::{Error, FeatureConfig, FeatureExtractor, FeatureStore, Features, StoreCounts};
use tempfile::TempDir;

const RATE: u32 = 16_000;

fn config() -> FeatureConfig {
    FeatureConfig {
        sample_rate: RATE,
        n_fft: 512,
        n_mels: 20,
        n_mfcc: 13,
        ..FeatureConfig::default()
    }
}

fn extractor() -> FeatureExtractor {
    FeatureExtractor::new(&config()).unwrap()
}

/// Writes a synthetic clip that differs for each number.
fn write_clip(path: &Path, number: u32) {
    let sample = |i| {
        let turn = i as f32 * (number + 1) as f32 * 0.01;
        (turn.sin() * 9000.0) as i16
    };
    ser_fixtures::write_wav(path, RATE, (0..4000).map(sample));
    set_age(path, 3600);
}

/// Sets the age of a file: the store trusts the time of old files, but not of files written a moment ago.
fn set_age(path: &Path, seconds: u64) {
    let time = SystemTime::now() - Duration::from_secs(seconds);
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

struct Fixture {
    folder: TempDir,
    clips: Vec<PathBuf>,
}

impl Fixture {
    fn new(clips: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clips = (0..clips)
            .map(|number| {
                let path = folder.path().join(format!("clip{number}.wav"));
                write_clip(&path, number);
                path
            })
            .collect();
        Self { folder, clips }
    }

    fn store_folder(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn open(&self) -> FeatureStore {
        FeatureStore::open(self.store_folder(), &extractor()).unwrap()
    }

    /// Returns the path of the only file of features.
    fn file(&self) -> PathBuf {
        let fingerprint = config().fingerprint();
        self.store_folder().join(format!("{fingerprint}.features"))
    }

    /// Extracts all clips through a newly opened store and compares them with freshly computed features.
    fn check(&self) -> StoreCounts {
        check(&self.open(), &self.clips)
    }
}

fn extract(store: &FeatureStore, clips: &[PathBuf]) -> (StoreCounts, BTreeMap<usize, Features>) {
    let results = Mutex::new(BTreeMap::new());
    let counts = store
        .extract(clips, |index, features| {
            let earlier = results.lock().unwrap().insert(index, features.unwrap());
            assert!(earlier.is_none(), "clip {index} came twice");
        })
        .unwrap();
    let results = results.into_inner().unwrap();
    assert_eq!(results.len(), clips.len());
    (counts, results)
}

fn check(store: &FeatureStore, clips: &[PathBuf]) -> StoreCounts {
    let (counts, results) = extract(store, clips);
    for (index, features) in results {
        let expected = extractor().extract_file(&clips[index]).unwrap();
        assert_eq!(features, expected, "clip {index}");
    }
    counts
}

fn counts(hits: usize, computed: usize) -> StoreCounts {
    StoreCounts {
        hits,
        computed,
        failed: 0,
    }
}

#[test]
fn the_second_run_computes_nothing() {
    let fixture = Fixture::new(5);
    assert_eq!(fixture.check(), counts(0, 5));
    let size = fs::metadata(fixture.file()).unwrap().len();
    assert_eq!(fixture.check(), counts(5, 0));
    assert_eq!(fs::metadata(fixture.file()).unwrap().len(), size);

    let store = fixture.open();
    assert_eq!(check(&store, &fixture.clips), counts(5, 0));
    assert_eq!(check(&store, &fixture.clips), counts(5, 0));
}

#[test]
fn changed_sounds_are_kept_apart_by_the_name_of_the_change() {
    let fixture = Fixture::new(3);
    fixture.check();
    let times = |factor: f32| {
        let name = format!("times {factor}");
        let change = move |sound: &Waveform| {
            let samples = sound.samples.iter().map(|x| factor * x * x).collect();
            Ok(Waveform::new(samples, sound.sample_rate))
        };
        FeatureStore::open_changed(fixture.store_folder(), &extractor(), &name, change).unwrap()
    };
    let (first, twice) = extract(&times(2.0), &fixture.clips);
    assert_eq!(first, counts(0, 3));
    let sound = ser_audio::read(&fixture.clips[1]).unwrap();
    let samples = sound.samples.iter().map(|x| 2.0 * x * x).collect();
    let expected = extractor().extract(&Waveform::new(samples, RATE)).unwrap();
    assert_eq!(twice[&1], expected);

    assert_eq!(extract(&times(2.0), &fixture.clips), (counts(3, 0), twice));
    assert_eq!(extract(&times(3.0), &fixture.clips).0, counts(0, 3));
    assert_eq!(fixture.check(), counts(3, 0));
}

#[test]
fn a_sound_that_cannot_be_changed_is_named_and_not_kept() {
    let fixture = Fixture::new(1);
    let change = |_: &Waveform| {
        let reason = "no such room".to_owned();
        Err(Error::Change { reason })
    };
    let store =
        FeatureStore::open_changed(fixture.store_folder(), &extractor(), "room", change).unwrap();
    for _ in 0..2 {
        let counts = store
            .extract(&fixture.clips, |_, features| {
                let message = features.unwrap_err().to_string();
                assert!(message.ends_with("clip0.wav: no such room"), "{message}");
            })
            .unwrap();
        assert_eq!((counts.hits, counts.computed, counts.failed), (0, 0, 1));
    }
}

#[test]
fn one_store_serves_what_it_has_just_computed() {
    let fixture = Fixture::new(3);
    let store = fixture.open();
    assert_eq!(check(&store, &fixture.clips), counts(0, 3));
    assert_eq!(check(&store, &fixture.clips), counts(3, 0));
}

#[test]
fn a_changed_file_is_recomputed_and_nothing_else() {
    let fixture = Fixture::new(4);
    fixture.check();
    write_clip(&fixture.clips[2], 77);
    assert_eq!(fixture.check(), counts(3, 1));
    assert_eq!(fixture.check(), counts(4, 0));
}

#[test]
fn a_file_changed_within_the_clocks_grain_is_recomputed() {
    let fixture = Fixture::new(1);
    let clip = &fixture.clips[0];
    let now = SystemTime::now();
    for number in 0..5 {
        write_clip(clip, number);
        // Same size, same time: only its age makes it suspicious.
        File::options()
            .write(true)
            .open(clip)
            .unwrap()
            .set_modified(now)
            .unwrap();
        assert_eq!(fixture.check(), counts(0, 1));
    }
}

#[test]
fn a_touched_file_is_recognised_by_its_content() {
    let fixture = Fixture::new(2);
    fixture.check();
    set_age(&fixture.clips[0], 10);
    assert_eq!(fixture.check(), counts(2, 0));
    let size = fs::metadata(fixture.file()).unwrap().len();
    // From now on the store recognises it by its new time and appends nothing more.
    assert_eq!(fixture.check(), counts(2, 0));
    assert_eq!(fs::metadata(fixture.file()).unwrap().len(), size);
}

#[test]
fn a_moved_or_copied_file_is_recognised_by_its_content() {
    let mut fixture = Fixture::new(2);
    fixture.check();
    let size = fs::metadata(fixture.file()).unwrap().len();
    let moved = fixture.folder.path().join("elsewhere.wav");
    fs::rename(&fixture.clips[0], &moved).unwrap();
    let copied = fixture.folder.path().join("copy.wav");
    fs::copy(&fixture.clips[1], &copied).unwrap();
    set_age(&copied, 60);
    fixture.clips = vec![moved, copied, fixture.clips[1].clone()];
    assert_eq!(fixture.check(), counts(3, 0));
    let grown = fs::metadata(fixture.file()).unwrap().len() - size;
    assert!(grown < 700, "two paths took {grown} bytes");
    assert_eq!(fixture.check(), counts(3, 0));
}

#[test]
fn paths_that_swapped_their_files_swap_their_features() {
    let fixture = Fixture::new(2);
    fixture.check();
    let aside = fixture.folder.path().join("aside.wav");
    fs::rename(&fixture.clips[0], &aside).unwrap();
    fs::rename(&fixture.clips[1], &fixture.clips[0]).unwrap();
    fs::rename(&aside, &fixture.clips[1]).unwrap();
    // Their times differ by less than their age, but they differ.
    assert_eq!(fixture.check(), counts(2, 0));
}

#[test]
fn another_config_has_its_own_features() {
    let fixture = Fixture::new(2);
    fixture.check();
    let other = FeatureConfig {
        n_mfcc: 12,
        ..config()
    };
    let extractor = FeatureExtractor::new(&other).unwrap();
    let store = FeatureStore::open(fixture.store_folder(), &extractor).unwrap();
    let (found, results) = extract(&store, &fixture.clips);
    assert_eq!(found, counts(0, 2));
    assert!(results.values().all(|f| f.coefficients() == 12));
    assert_eq!(fixture.check(), counts(2, 0));
}

#[test]
fn failures_are_reported_with_their_path_and_never_stored() {
    let fixture = Fixture::new(2);
    let bad = fixture.folder.path().join("bad.wav");
    fs::write(&bad, "RIFF").unwrap();
    let missing = fixture.folder.path().join("missing.wav");
    let mut paths = fixture.clips.clone();
    paths.extend([bad.clone(), missing.clone()]);
    for hits in [0, 2] {
        let errors = Mutex::new(Vec::new());
        let found = fixture
            .open()
            .extract(&paths, |index, result| {
                if let Err(error) = result {
                    errors.lock().unwrap().push((index, error));
                }
            })
            .unwrap();
        let expected = StoreCounts {
            hits,
            computed: 2 - hits,
            failed: 2,
        };
        assert_eq!(found, expected);
        for (index, error) in errors.into_inner().unwrap() {
            match (index, error) {
                (2, Error::Audio(ser_audio::Error::Wav { path, .. })) => assert_eq!(path, bad),
                (3, Error::Io(error)) => assert_eq!(error.path, missing),
                other => panic!("{other:?}"),
            }
        }
    }
    write_clip(&bad, 9);
    assert_eq!(check(&fixture.open(), &paths[..3]), counts(2, 1));
}

#[test]
fn a_torn_tail_is_cut_off_and_its_record_computed_again() {
    let fixture = Fixture::new(3);
    fixture.check();
    let whole = fs::read(fixture.file()).unwrap();
    let record = (whole.len() - 16) / 3;
    for (kept, hits) in [
        (whole.len() - 1, 2),
        (16 + 2 * record + 40, 2),
        (16 + 2 * record, 2),
        (16 + record + 100, 1),
        (16 + 79, 0),
        (16, 0),
        (7, 0),
        (0, 0),
    ] {
        fs::write(fixture.file(), &whole[..kept]).unwrap();
        assert_eq!(fixture.check(), counts(hits, 3 - hits), "{kept} bytes kept");
        assert_eq!(fixture.check(), counts(3, 0));
        assert_eq!(
            fs::metadata(fixture.file()).unwrap().len(),
            whole.len() as u64
        );
    }
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let fixture = Fixture::new(3);
    fixture.check();
    let whole = fs::read(fixture.file()).unwrap();
    for position in (0..whole.len()).step_by(97).chain(0..120) {
        let mut damaged = whole.clone();
        damaged[position] ^= 1 << (position % 8);
        fs::write(fixture.file(), &damaged).unwrap();
        let found = fixture.check();
        // A changed identity of the file is no damage.
        let harmless = (8..16).contains(&position);
        assert!(harmless || found.computed > 0, "byte {position}: {found:?}");
        assert_eq!(fixture.check(), counts(3, 0), "byte {position}");
    }
}

#[test]
fn damage_while_the_store_is_open_is_noticed() {
    let fixture = Fixture::new(3);
    let store = fixture.open();
    check(&store, &fixture.clips);
    let mut bytes = fs::read(fixture.file()).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 16;
    fs::write(fixture.file(), &bytes).unwrap();
    assert_eq!(check(&store, &fixture.clips), counts(2, 1));
    // The file of features is emptied, and then removed.
    fs::write(fixture.file(), "").unwrap();
    assert_eq!(check(&store, &fixture.clips).hits, 0);
    fs::remove_file(fixture.file()).unwrap();
    check(&store, &fixture.clips);
    assert_eq!(fixture.check().failed, 0);
}

#[test]
fn two_stores_at_once_neither_harm_nor_repeat_each_other() {
    let fixture = Fixture::new(24);
    let (first, second) = (fixture.open(), fixture.open());
    assert_eq!(check(&first, &fixture.clips[..8]), counts(0, 8));
    // The second store was opened before those eight existed; it finds them when it appends its own first record.
    assert_eq!(check(&second, &fixture.clips[8..9]), counts(0, 1));
    assert_eq!(check(&second, &fixture.clips[..9]), counts(9, 0));

    let backwards: Vec<_> = fixture.clips.iter().rev().cloned().collect();
    std::thread::scope(|scope| {
        scope.spawn(|| check(&first, &fixture.clips));
        scope.spawn(|| check(&second, &backwards));
        scope.spawn(|| check(&fixture.open(), &fixture.clips));
    });
    assert_eq!(fixture.check(), counts(24, 0));
}

#[test]
fn what_is_outdated_is_removed_when_it_outweighs_the_rest() {
    let fixture = Fixture::new(3);
    fixture.check();
    let size = |fixture: &Fixture| fs::metadata(fixture.file()).unwrap().len();
    let once = size(&fixture);
    let watcher = fixture.open();

    for number in 10..13 {
        write_clip(&fixture.clips[0], number);
        fixture.check();
    }
    assert!(size(&fixture) > once * 3 / 2);
    for round in 2..12 {
        for (index, clip) in (0..).zip(&fixture.clips) {
            write_clip(clip, 10 * round + index);
        }
        assert_eq!(fixture.check(), counts(0, 3));
        assert!(
            size(&fixture) <= once * 3,
            "{} of {once} bytes",
            size(&fixture)
        );
    }
    fixture.open();
    assert!(size(&fixture) <= once * 2);
    assert_eq!(fixture.check(), counts(3, 0));
    // A store that stayed open switches to the new file.
    check(&watcher, &fixture.clips);
    assert_eq!(fixture.check(), counts(3, 0));
    assert_eq!(fs::read_dir(fixture.store_folder()).unwrap().count(), 2);
}

#[test]
fn a_store_that_cannot_be_written_still_delivers() {
    let fixture = Fixture::new(2);
    let blocked = fixture.folder.path().join("blocked");
    fs::write(&blocked, "a file where the folder should be").unwrap();
    let error = FeatureStore::open(&blocked, &extractor()).unwrap_err();
    assert!(matches!(error, Error::Io(error) if error.path == blocked));

    let store = fixture.open();
    fs::remove_dir_all(fixture.store_folder()).unwrap();
    let delivered = Mutex::new(0);
    let error = store
        .extract(&fixture.clips, |_, features| {
            features.unwrap();
            *delivered.lock().unwrap() += 1;
        })
        .unwrap_err();
    assert!(matches!(error, Error::Io(error) if error.path == fixture.file()));
    assert_eq!(delivered.into_inner().unwrap(), 2);
}

#[test]
fn a_sound_in_memory_is_computed_once_and_found_by_its_samples() {
    let folder = tempfile::tempdir().unwrap();
    let store = FeatureStore::open(folder.path(), &extractor()).unwrap();
    let sound = |turn: f32, rate| {
        let samples = (0..4000).map(|i| (i as f32 * turn).sin()).collect();
        Waveform::new(samples, rate)
    };
    let stored = || -> u64 {
        let files = fs::read_dir(folder.path()).unwrap();
        files
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum()
    };
    let mut sizes = Vec::new();
    for sound in [
        sound(0.01, RATE),
        sound(0.02, RATE),
        sound(0.01, RATE / 2),
        sound(0.01, RATE),
    ] {
        let features = store.extract_sound(&sound).unwrap();
        assert_eq!(features, extractor().extract(&sound).unwrap());
        sizes.push(stored());
    }
    assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
    assert_eq!(sizes[2], sizes[3]);
    let again = FeatureStore::open(folder.path(), &extractor()).unwrap();
    again.extract_sound(&sound(0.02, RATE)).unwrap();
    assert_eq!(stored(), sizes[3]);
}
