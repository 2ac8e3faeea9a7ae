#![doc = include_str!("../README.md")]

mod answerer;
mod archive;
mod error;
mod manifest;
mod parquet;
mod row;
mod shard;
mod storage;

pub use answerer::{Answered, Answerer, Failed};
pub use archive::{Archive, Done, HEADING};
pub use error::{Error, Result};
pub use manifest::Manifest;
pub use row::{Row, Sound};
pub use shard::Shard;
