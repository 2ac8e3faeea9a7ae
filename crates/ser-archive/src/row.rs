//! What is asked of a recording.

use std::path::PathBuf;
use std::sync::Arc;

/// A recording, or a part of one, that is to be answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What its answer is found by.
    pub id: String,
    /// Where its sound is.
    pub sound: Sound,
    /// Where the part begins, in seconds; `None` for the beginning of the recording.
    pub start: Option<f64>,
    /// Where it ends, in seconds; `None` for the end of the recording.
    pub end: Option<f64>,
    /// Who speaks: one of those whom the [`Answerer`](crate::Answerer) knows.
    pub speaker: Option<String>,
    /// The only channel to listen to, counted from 1; `None` for all, compared.
    pub channel: Option<u16>,
}

/// Where the sound of a row is.
#[derive(Debug, Clone, PartialEq)]
pub enum Sound {
    /// In a file of any format that ser-audio reads, or in an object of S3, as `s3://bucket/key`.
    File(PathBuf),
    /// In memory: the bytes of such a file.
    Bytes(Arc<[u8]>),
    /// Nowhere: it could not be fetched, for this reason.
    Unread(String),
}

impl Row {
    /// A whole recording of which nothing else is known.
    pub fn new(id: impl Into<String>, sound: Sound) -> Self {
        Self {
            id: id.into(),
            sound,
            start: None,
            end: None,
            speaker: None,
            channel: None,
        }
    }
}
