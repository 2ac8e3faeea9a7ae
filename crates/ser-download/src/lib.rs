#![doc = include_str!("../README.md")]

mod archive;
mod error;
mod fetch;
mod folder;

pub use archive::{Archive, Entry, Limits};
pub use error::{Error, Result, lacked_room};
pub use fetch::{Progress, Source, feed, fetch, hex, md5_of, size};
pub use folder::{fill, may_fill, with_suffix};
