//! A store of features on disk, so that nothing is computed twice.

mod log;

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use ser_audio::{AudioStream, Waveform};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::error::{Error, Result};
use crate::extractor::{FeatureExtractor, Scratch};
use crate::features::Features;
use log::{FileState, Log, Place, Record, RecordReader, UNTRUSTED};

/// A store of the features of audio files. Features are computed once per content and configuration.
///
/// A store is a folder with one file for each pair of a [`FeatureConfig::fingerprint`] and a
/// [change](Self::open_changed) of the sound. A program with another configuration or another version
/// of the computation therefore never gets old features. The store finds the features of a file by its
/// path if size and time of the last change are the same, and otherwise by its content: a file that was moved
/// or merely touched is read, but its features are not computed again.
///
/// Stored features carry checksums. A record that is damaged on disk is computed anew, and so is one
/// that was being written when a program was killed. Any number of threads and processes may use a
/// store at the same time. Files whose features cannot be computed are tried again each time.
///
/// Memory is about 150 bytes per stored file; the features themselves are read on demand.
///
/// ```
/// use ser_features::{FeatureConfig, FeatureExtractor, FeatureStore};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let extractor = FeatureExtractor::new(&FeatureConfig::default())?;
/// let store = FeatureStore::open(folder, &extractor)?;
/// let counts = store.extract(&["no-such-file.wav"], |index, features| {
///     if let Err(error) = features {
///         println!("file {index}: {error}");
///     }
/// })?;
/// assert_eq!((counts.hits, counts.computed, counts.failed), (0, 0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`FeatureConfig::fingerprint`]: crate::FeatureConfig::fingerprint
pub struct FeatureStore {
    extractor: FeatureExtractor,
    change: Option<Change>,
    log: Mutex<Log>,
}

/// A change of the sound of a file before its features are computed.
type Change = Box<dyn Fn(&Waveform) -> Result<Waveform> + Send + Sync>;

impl fmt::Debug for FeatureStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeatureStore")
            .field("extractor", &self.extractor)
            .field("changed", &self.change.is_some())
            .field("log", &self.log)
            .finish()
    }
}

/// How many files were found in a store, and how many were not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreCounts {
    /// Files whose features were in the store.
    pub hits: usize,
    /// Files whose features were computed and are now in the store.
    pub computed: usize,
    /// Files that have no features because of an error.
    pub failed: usize,
}

impl FeatureStore {
    /// Opens the store in `folder` for the features that `extractor` computes. Creates the folder if
    /// necessary.
    ///
    /// This reads the list of what is stored. If records that are no longer valid take up more than half
    /// of the file, it is rewritten without them.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder or a file in it cannot be created, read or written.
    pub fn open(folder: impl AsRef<Path>, extractor: &FeatureExtractor) -> Result<Self> {
        let fingerprint = extractor.config().fingerprint();
        Self::of(folder.as_ref(), extractor, &fingerprint, None)
    }

    /// Opens the store in `folder` for the features that `extractor` computes from files after a change of
    /// their sound.
    ///
    /// `name` identifies `change`: the store finds features again by it, so a `change` that does something
    /// else needs another name. The same sound must always be changed in the same way. Each file is read
    /// as a whole.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open). An error that `change` returns becomes the error of its file.
    ///
    /// ```
    /// use ser_audio::Waveform;
    /// use ser_features::{FeatureConfig, FeatureExtractor, FeatureStore};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let extractor = FeatureExtractor::new(&FeatureConfig::default())?;
    /// let backwards = |sound: &Waveform| {
    ///     let samples = sound.samples.iter().rev().copied().collect();
    ///     Ok(Waveform::new(samples, sound.sample_rate))
    /// };
    /// let store = FeatureStore::open_changed(folder.path(), &extractor, "backwards", backwards)?;
    /// # let _ = store;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_changed(
        folder: impl AsRef<Path>,
        extractor: &FeatureExtractor,
        name: &str,
        change: impl Fn(&Waveform) -> Result<Waveform> + Send + Sync + 'static,
    ) -> Result<Self> {
        let both = format!("{} {name}", extractor.config().fingerprint());
        let fingerprint = format!("{:032x}", xxh3_128(both.as_bytes()));
        let change = Some(Box::new(change) as Change);
        Self::of(folder.as_ref(), extractor, &fingerprint, change)
    }

    fn of(
        folder: &Path,
        extractor: &FeatureExtractor,
        fingerprint: &str,
        change: Option<Change>,
    ) -> Result<Self> {
        fs::create_dir_all(folder).map_err(ser_files::Error::at(folder))?;
        Ok(Self {
            extractor: extractor.clone(),
            change,
            log: Mutex::new(Log::open(folder, fingerprint)?),
        })
    }

    /// Extracts the features of every file, in parallel on rayon's current thread pool.
    ///
    /// `done` receives each result, with the position of its path, as soon as it is ready, in any order
    /// and from several threads at once. Nothing else is kept in memory, and a file that fails does
    /// not stop the others.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the store could not be read or written. Even then `done` has received every
    /// result: the features are valid, and only the time to compute them again is lost.
    pub fn extract<P, F>(&self, paths: &[P], done: F) -> Result<StoreCounts>
    where
        P: AsRef<Path> + Sync,
        F: Fn(usize, Result<Features>) + Sync,
    {
        let hits = AtomicUsize::new(0);
        let computed = AtomicUsize::new(0);
        let failed = AtomicUsize::new(0);
        let store_error = Mutex::new(None);
        paths
            .par_iter()
            .enumerate()
            .for_each_init(Worker::default, |worker, (index, path)| {
                let result = self.features(path.as_ref(), worker);
                let counter = match &result {
                    Ok((_, Source::Store)) => &hits,
                    Ok((_, Source::Computation)) => &computed,
                    Err(_) => &failed,
                };
                counter.fetch_add(1, Ordering::Relaxed);
                if let Some(error) = worker.store_error.take() {
                    lock(&store_error).get_or_insert(error);
                }
                done(index, result.map(|(features, _)| features));
            });
        if let Some(error) = lock(&store_error).take() {
            return Err(error);
        }
        Ok(StoreCounts {
            hits: hits.into_inner(),
            computed: computed.into_inner(),
            failed: failed.into_inner(),
        })
    }

    /// Extracts the features of a sound in memory, such as a part of a file. The store finds them again by the
    /// samples and the sampling rate of the sound.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the store cannot be read or written; the errors of [`FeatureExtractor::extract`] and of
    /// the [change](Self::open_changed).
    pub fn extract_sound(&self, sound: &Waveform) -> Result<Features> {
        let mut hash = Xxh3::new();
        // No audio file begins like this, so none has the same hash.
        hash.update(b"samples of a sound");
        hash.update(&sound.sample_rate.to_le_bytes());
        for sample in &sound.samples {
            hash.update(&sample.to_le_bytes());
        }
        let content = hash.digest128();
        let mut record = RecordReader::default();
        let place = lock(&self.log).place_of_content(content);
        if let Some(place) = place {
            lock(&self.log).read(&place, &mut record)?;
            if let Some(features) = record.features(&place) {
                return Ok(features);
            }
        }
        let features = match &self.change {
            Some(change) => self.extractor.extract(&change(sound)?)?,
            None => self.extractor.extract(sound)?,
        };
        let state = FileState {
            size: 4 * sound.samples.len() as u64,
            modified: UNTRUSTED,
            content,
        };
        if let Some(record) = Record::new(Path::new(""), content, state, Some(&features)) {
            lock(&self.log).append(&record)?;
        }
        Ok(features)
    }

    /// Returns the features of one file. Errors of the store go to `worker.store_error`.
    fn features(&self, path: &Path, worker: &mut Worker) -> Result<(Features, Source)> {
        let io_error = ser_files::Error::at(path);
        // The meaning of a relative path depends on the current directory.
        let absolute = std::path::absolute(path).map_err(&io_error)?;
        let key = xxh3_128(absolute.as_os_str().as_encoded_bytes());
        let state = file_state(&fs::metadata(path).map_err(&io_error)?, 0);
        let place = lock(&self.log).place_of_path(key, state);
        if let Some(features) = place.and_then(|place| self.read(&place, worker)) {
            return Ok((features, Source::Store));
        }

        let mut file = File::open(path).map_err(&io_error)?;
        let metadata = file.metadata().map_err(&io_error)?;
        let is_short = metadata.len() <= MAX_IN_MEMORY;
        worker.bytes.clear();
        let content = if is_short {
            file.read_to_end(&mut worker.bytes).map_err(&io_error)?;
            xxh3_128(&worker.bytes)
        } else {
            let mut hasher = Xxh3::new();
            io::copy(&mut file, &mut hasher).map_err(&io_error)?;
            hasher.digest128()
        };
        let state = file_state(&metadata, content);
        let place = lock(&self.log).place_of_content(content);
        if let Some(features) = place.and_then(|place| self.read(&place, worker)) {
            self.append(Record::new(&absolute, key, state, None), worker);
            return Ok((features, Source::Store));
        }

        let mut features = Features::default();
        let Worker { bytes, scratch, .. } = worker;
        let mut stream = if is_short {
            AudioStream::from_bytes(Arc::from(bytes.as_slice()), path)?
        } else {
            AudioStream::open(path)?
        };
        if let Some(change) = &self.change {
            let sound = stream.read_to_end()?;
            let changed = change(&sound).and_then(|sound| self.extractor.extract(&sound));
            features = changed.map_err(|error| error.in_file(path))?;
        } else {
            self.extractor
                .extract_stream_into(stream, path, scratch, &mut features)?;
        }
        // A long file was read twice. If it changed in between, the hash is not that of the decoded content.
        let is_unchanged = || {
            let same = |now: Metadata| {
                now.len() == metadata.len() && now.modified().ok() == metadata.modified().ok()
            };
            fs::metadata(path).is_ok_and(same)
        };
        if is_short || is_unchanged() {
            let record = Record::new(&absolute, key, state, Some(&features));
            self.append(record, worker);
        }
        Ok((features, Source::Computation))
    }

    fn append(&self, record: Option<Record>, worker: &mut Worker) {
        if let Some(record) = record {
            let appended = lock(&self.log).append(&record);
            worker.note(appended);
        }
    }

    /// Reads stored features; returns `None` if they are damaged or cannot be read.
    fn read(&self, place: &Place, worker: &mut Worker) -> Option<Features> {
        let read = lock(&self.log).read(place, &mut worker.record);
        worker.note(read)?;
        worker.record.features(place)
    }
}

/// Largest size in bytes of a file that is read once, and hashed and decoded from memory. Longer files are
/// read twice, one part at a time.
const MAX_IN_MEMORY: u64 = 16 << 20;

/// Where features came from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Store,
    Computation,
}

/// Buffers that a thread reuses from file to file.
#[derive(Default)]
struct Worker {
    /// A stored record.
    record: RecordReader,
    /// The bytes of an audio file.
    bytes: Vec<u8>,
    scratch: Scratch,
    /// An error of the store while it served the last file.
    store_error: Option<Error>,
}

impl Worker {
    /// Keeps an error of the store for later.
    fn note<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.store_error.get_or_insert(error);
                None
            }
        }
    }
}

/// Returns the state by which the store recognises an unchanged file.
fn file_state(metadata: &Metadata, content: u128) -> FileState {
    /// The coarsest resolution of file times (FAT). A file younger than that may change once more and keep
    /// its time.
    const RACY: Duration = Duration::from_secs(2);

    let modified = changed(metadata)
        .filter(|&time| {
            SystemTime::now()
                .duration_since(time)
                .is_ok_and(|age| age > RACY)
        })
        .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_nanos()).ok());
    FileState {
        size: metadata.len(),
        modified: modified.unwrap_or(UNTRUSTED),
        content,
    }
}

/// Returns the time of the last change of a file: of its status, where the system has that, because files that are renamed or
/// unpacked from an archive keep the time at which their content was modified.
fn changed(metadata: &Metadata) -> Option<SystemTime> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let seconds = Duration::from_secs(metadata.ctime().try_into().ok()?);
        let rest = Duration::from_nanos(metadata.ctime_nsec().try_into().ok()?);
        SystemTime::UNIX_EPOCH.checked_add(seconds + rest)
    }
    #[cfg(not(unix))]
    metadata.modified().ok()
}

/// Locks the mutex, even if another thread panicked while it held the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
