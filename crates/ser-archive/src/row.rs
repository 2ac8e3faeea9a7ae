//! The rows of an archive.

use std::path::PathBuf;
use std::sync::Arc;

/// A recording to answer, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Identifies the answer.
    pub id: String,
    /// The recording.
    pub sound: Sound,
    /// Start of the part, in seconds; `None` for the start of the recording.
    pub start: Option<f64>,
    /// End of the part, in seconds; `None` for the end of the recording.
    pub end: Option<f64>,
    /// Name of the speaker, one of those of the [`Answerer`](crate::Answerer).
    pub speaker: Option<String>,
    /// The only channel to use, counted from 1; `None` for all channels, compared ([`ser_audio::Channels::Compared`]).
    pub channel: Option<u16>,
}

/// The recording of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Sound {
    /// A file in any format that ser-audio reads, or an object in S3, as `s3://bucket/key`.
    File(PathBuf),
    /// The bytes of such a file, in memory.
    Bytes(Arc<[u8]>),
    /// A recording that could not be fetched, for this reason.
    Unread(String),
}

impl Row {
    /// Creates the row of a whole recording, without a speaker and with all channels.
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
