//! RAVDESS indexing, corpora, audits and leak-free splits.

mod audit;
mod corpus;
mod error;
mod protocol;
pub mod ravdess;
mod split;
pub mod synth;

pub use audit::{Audit, MissingClips, Skip, SkipKind};
pub use corpus::{Clip, Corpus, Scan};
pub use error::{Error, Result, Shared, SharedClips};
pub use protocol::Protocol;
pub use split::{Disjoint, Parts, Split};
