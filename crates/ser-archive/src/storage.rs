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

/// Whether a recording could not be read for a reason that does not concern this recording alone.
pub(crate) fn is_outage(error: &io::Error) -> bool {
    use io::ErrorKind::{
        InvalidFilename, InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied,
    };

    !matches!(
        error.kind(),
        InvalidFilename | InvalidInput | IsADirectory | NotADirectory | NotFound | PermissionDenied
    )
}

/// Whether the cause of an error is an [outage](is_outage) of the file system. Errors that do not come from the operating
/// system say what is wrong with the recording.
pub(crate) fn is_failure(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.raw_os_error().is_some() && is_outage(cause))
    })
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
