//! Reads and writes objects in S3 by their URLs.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode};
use ser_audio::Stored;
use ser_files::Error;
use tokio::runtime::Runtime;

use super::SCHEME;

/// Number of bytes per request. Most recordings take one request.
const WINDOW: u64 = 4 << 20;

/// An object that is read directly from storage. Memory holds one part of it.
pub(crate) struct Object {
    path: PathBuf,
    store: Arc<AmazonS3>,
    key: Key,
    size: u64,
    /// The ETag. With it, an object that has replaced this one in the meantime is not read.
    tag: Option<String>,
    /// The offset of the part in memory, and the part.
    window: Mutex<(u64, Bytes)>,
    /// Why a read failed, if one did.
    outage: OnceLock<String>,
}

/// Opens an object, and reads it if it is small.
pub(crate) fn open(path: &Path) -> Result<Object, Error> {
    let open = || {
        let (store, key) = place(path)?;
        let read = async {
            let got = store.get(&key).await?;
            let meta = got.meta.clone();
            let bytes = match meta.size {
                ..=WINDOW => got.bytes().await?,
                _ => Bytes::new(),
            };
            Ok((meta, bytes))
        };
        let (meta, bytes) = runtime()?.block_on(read).map_err(in_words)?;
        Ok(Object {
            path: path.to_owned(),
            store,
            key,
            size: meta.size,
            tag: meta.e_tag,
            window: Mutex::new((0, bytes)),
            outage: OnceLock::new(),
        })
    };
    open().map_err(Error::at(path))
}

impl Object {
    /// Returns why a read failed, if one did.
    pub(crate) fn outage(&self) -> Option<String> {
        self.outage.get().cloned()
    }

    fn fetch(&self, at: u64) -> io::Result<Bytes> {
        let options = GetOptions::new()
            .with_range(Some(GetRange::Bounded(at..self.size.min(at + WINDOW))))
            .with_if_match(self.tag.clone());
        let read = async { self.store.get_opts(&self.key, options).await?.bytes().await };
        runtime()?.block_on(read).map_err(in_words)
    }
}

impl Stored for Object {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if at >= self.size {
            return Ok(0);
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = at >= window.0 && at < window.0 + window.1.len() as u64;
        if !is_there {
            let fetched = self.fetch(at);
            let fetched = fetched.inspect_err(|error| {
                self.outage
                    .get_or_init(|| format!("{}: {error}", self.path.display()));
            });
            *window = (at, fetched?);
        }
        let rest = window.1.get((at - window.0) as usize..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }
}

/// Reads a whole object of at most `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let object = open(path)?;
    let read = || {
        if object.size > most {
            return Err(io::Error::other(format!(
                "expected at most {} MiB, found {} MiB: split it into several files",
                most >> 20,
                object.size >> 20
            )));
        }
        let mut bytes = vec![0; object.size as usize];
        let mut at = 0;
        while at < bytes.len() {
            at += object.read_at(at as u64, &mut bytes[at..])?;
        }
        Ok(bytes)
    };
    read().map_err(Error::at(path))
}

/// Whether the object exists.
pub(crate) fn exists(path: &Path) -> Result<bool, Error> {
    let ask = || {
        let (store, key) = place(path)?;
        match runtime()?.block_on(store.head(&key)) {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(in_words(error)),
        }
    };
    ask().map_err(Error::at(path))
}

/// Writes an object unless it exists, and returns whether it wrote it. The object exists completely or not at all.
pub(crate) fn write_new(path: &Path, bytes: impl Into<Vec<u8>>) -> Result<bool, Error> {
    let write = || {
        let (store, key) = place(path)?;
        let bytes = Bytes::from(bytes.into());
        let put = store.put_opts(&key, bytes.into(), PutMode::Create.into());
        match runtime()?.block_on(put) {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(in_words(error)),
        }
    };
    write().map_err(Error::at(path))
}

/// Returns the bucket and the key of a URL.
fn place(path: &Path) -> io::Result<(Arc<AmazonS3>, Key)> {
    let url = path.to_str().and_then(|path| path.strip_prefix(SCHEME));
    match url.and_then(|url| url.split_once('/')) {
        // The key is used as it is written, without URL decoding.
        Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
            Ok((store(bucket)?, Key::parse(key).map_err(invalid)?))
        }
        _ => Err(invalid("expected s3://bucket/key")),
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

/// Returns a bucket. All threads share its connections, so each bucket is created once.
fn store(bucket: &str) -> io::Result<Arc<AmazonS3>> {
    static STORES: Mutex<BTreeMap<String, Arc<AmazonS3>>> = Mutex::new(BTreeMap::new());

    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(store) = stores.get(bucket) {
        return Ok(store.clone());
    }
    // Fails if a provider is installed already, which serves just as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A user who sets an endpoint with http:// wants no TLS.
    let builder = AmazonS3Builder::from_env().with_allow_http(true);
    let store = builder.with_bucket_name(bucket).build().map_err(in_words)?;
    let store = Arc::new(store);
    stores.insert(bucket.to_owned(), store.clone());
    Ok(store)
}

/// Returns the runtime that waits for requests.
fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
    });

    RUNTIME
        .as_ref()
        .map_err(|error| io::Error::new(error.kind(), error.to_string()))
}

fn in_words(error: object_store::Error) -> io::Error {
    use object_store::Error as Storage;

    let (kind, words) = match &error {
        Storage::NotFound { .. } => (
            io::ErrorKind::NotFound,
            "no such object: check the bucket and the key".to_owned(),
        ),
        Storage::PermissionDenied { .. } => (
            io::ErrorKind::PermissionDenied,
            "permission denied: check the credentials (AWS_ACCESS_KEY_ID and the like) and the policy of the bucket"
                .to_owned(),
        ),
        Storage::InvalidPath { .. } => (io::ErrorKind::InvalidInput, error.to_string()),
        Storage::Precondition { .. } => (
            io::ErrorKind::Other,
            "another object replaced it while it was read: run the same command again to read the new one".to_owned(),
        ),
        _ => (io::ErrorKind::Other, error.to_string()),
    };
    io::Error::new(kind, words)
}
