//! Object storage: S3 and servers with its protocol. A URL is used in place of a path.

use std::io;
use std::path::{Path, PathBuf};

#[cfg(feature = "object-store")]
mod s3;
#[cfg(feature = "object-store")]
pub(crate) use s3::{Object, exists, open, read, write_new};

#[cfg(not(feature = "object-store"))]
mod none;
#[cfg(not(feature = "object-store"))]
pub(crate) use none::{Object, exists, open, read, write_new};

const SCHEME: &str = "s3://";

/// Whether a path is the URL of an object.
pub(crate) fn is_object(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.starts_with(SCHEME))
}

/// Joins a path of a manifest to its root. A URL stays as it is.
pub(crate) fn join(root: &Path, path: &str) -> PathBuf {
    if is_object(Path::new(path)) {
        path.into()
    } else {
        root.join(path)
    }
}

/// Whether an object could not be read for a reason that does not concern this object alone.
pub(crate) fn is_outage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, NotFound, PermissionDenied};

    !matches!(error.kind(), InvalidInput | NotFound | PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_from_its_root_and_a_url_from_nowhere() {
        for (root, path, expected) in [
            (
                "s3://bucket/speech",
                "a/b.wav",
                "s3://bucket/speech/a/b.wav",
            ),
            ("s3://bucket", "a.wav", "s3://bucket/a.wav"),
            ("s3://bucket/speech", "s3://other/a.wav", "s3://other/a.wav"),
            ("/archive", "s3://other/a.wav", "s3://other/a.wav"),
            ("/archive", "a.wav", "/archive/a.wav"),
        ] {
            assert_eq!(join(root.as_ref(), path), Path::new(expected));
        }
        assert!(!is_object("s3:/bucket/a.wav".as_ref()));
    }
}
