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

/// Whether an object could not be opened for a reason that does not concern this object alone. Of the errors of [`open`], only
/// these kinds concern one object.
pub(crate) fn is_outage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, NotFound, PermissionDenied};

    !matches!(error.kind(), InvalidInput | NotFound | PermissionDenied)
}

/// Whether the cause of an error is a failure of the file system. Errors that do not come from the operating system say what
/// is wrong with the recording, and so do those of the operating system that are not listed here.
pub(crate) fn is_failure(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| {
            let number = cause.raw_os_error();
            number.is_some_and(|number| is_general(cause.kind()) || GENERAL.contains(&number))
        })
    })
}

/// Whether errors of this kind concern the machine or the storage rather than one file.
fn is_general(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkDown,
        NetworkUnreachable, NotConnected, OutOfMemory, QuotaExceeded, StaleNetworkFileHandle,
        StorageFull, TimedOut, WouldBlock,
    };

    matches!(
        kind,
        ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | NetworkDown
            | NetworkUnreachable
            | NotConnected
            | OutOfMemory
            | QuotaExceeded
            | StaleNetworkFileHandle
            | StorageFull
            | TimedOut
            | WouldBlock
    )
}

/// The numbers of such errors that have no kind of their own: EIO, ENFILE and EMFILE, and on Linux also ESHUTDOWN, EHOSTDOWN,
/// EUCLEAN (a damaged file system), EREMOTEIO, ENOKEY and EKEYEXPIRED (the access to a network file system has expired).
const GENERAL: &[i32] = if cfg!(target_os = "linux") {
    &[5, 23, 24, 108, 112, 117, 121, 126, 127]
} else if cfg!(unix) {
    &[5, 23, 24]
} else {
    &[]
};

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

    #[cfg(target_os = "linux")]
    #[test]
    fn only_what_concerns_the_machine_or_the_storage_is_a_failure() {
        let fails = |number| is_failure(&io::Error::from_raw_os_error(number));
        // EIO, ENOMEM, ENFILE, EMFILE, ENOSPC, ENETDOWN, ENETUNREACH, ECONNRESET, ENOTCONN, ESHUTDOWN, ETIMEDOUT, ECONNREFUSED,
        // EHOSTDOWN, EHOSTUNREACH, ESTALE, EDQUOT.
        for number in [
            5, 12, 23, 24, 28, 100, 101, 104, 107, 108, 110, 111, 112, 113, 116, 122,
        ] {
            assert!(fails(number), "{number}");
        }
        // EPERM, ENOENT, EACCES, ENOTDIR, EISDIR, EINVAL, EFBIG, ENAMETOOLONG, ELOOP, EOVERFLOW, EILSEQ.
        for number in [1, 2, 13, 20, 21, 22, 27, 36, 40, 75, 84] {
            assert!(!fails(number), "{number}");
        }
        // Not from the system.
        assert!(!is_failure(&io::Error::from(io::ErrorKind::TimedOut)));
    }
}
