//! Refuses the URLs of object storage, in a program that is built without it.

use std::io;
use std::path::Path;

use ser_audio::Stored;
use ser_files::Error;

/// A type without values: no object can be opened.
pub(crate) enum Object {}

impl Object {
    pub(crate) fn outage(&self) -> Option<String> {
        match *self {}
    }
}

impl Stored for Object {
    fn size(&self) -> u64 {
        match *self {}
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }
}

pub(crate) fn open(path: &Path) -> Result<Object, Error> {
    Err(refused(path))
}

pub(crate) fn read(path: &Path, _: u64) -> Result<Vec<u8>, Error> {
    Err(refused(path))
}

pub(crate) fn exists(path: &Path) -> Result<bool, Error> {
    Err(refused(path))
}

pub(crate) fn write_new(path: &Path, _: impl Into<Vec<u8>>) -> Result<bool, Error> {
    Err(refused(path))
}

fn refused(path: &Path) -> Error {
    let words =
        "this program was built without object storage: build it with `--features object-store`";
    Error::at(path)(io::Error::new(io::ErrorKind::Unsupported, words))
}
