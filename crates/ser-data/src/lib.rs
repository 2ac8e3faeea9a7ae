#![doc = include_str!("../README.md")]

mod audit;
pub mod corpora;
mod corpus;
mod error;
mod files;
mod joined;
mod manifest;
mod protocol;
mod random;
pub mod ravdess;
mod recording;
mod scan;
mod split;
mod split_name;
pub mod synth;
mod table;

pub use audit::{Audit, MissingClips, Skip, SkipKind, path_as_text};
pub use corpus::{Clip, Corpus, LabelMap, Origin, Renamed, Scan};
pub use error::{Error, Result, Shared, SharedClips};
pub use files::is_table;
pub use joined::CORPUS;
pub use protocol::Protocol;
pub use recording::{Excerpt, Recording, read_each};
pub use split::{Disjoint, Parts, Side, Split};
pub use split_name::SplitName;
pub use table::{MOST_SECONDS, Row, Table};
