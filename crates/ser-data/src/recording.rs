//! Reads audio from a file or from a part of one.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use ser_audio::{AudioStream, Channels, MAX_SAMPLES, Waveform};
use xxhash_rust::xxh3::Xxh3;

use crate::{Error, Result};

/// A part of a file, in samples per channel from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Excerpt {
    /// Index of the first sample.
    pub start: u64,
    /// Index after the last sample.
    pub end: u64,
}

/// The location of audio: a file, or a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recording<'a> {
    /// The file.
    pub path: &'a Path,
    /// The part of the file; `None` for all of it.
    pub excerpt: Option<Excerpt>,
}

impl Recording<'_> {
    /// Reads the audio, mixed down as `channels` says, at the file's sampling rate. Only the samples up to the end of
    /// the part are decoded.
    ///
    /// # Errors
    /// [`Error::Audio`] for a whole file, [`Error::Excerpt`] for a part.
    pub fn read(&self, channels: Channels) -> Result<Waveform> {
        match self.excerpt {
            None => Ok(open(self.path, channels)?.read_to_end()?),
            Some(excerpt) => Cursor::open(self.path, channels).read(excerpt),
        }
    }
}

/// Reads many recordings in parallel on rayon's current thread pool, each file once, and returns what `take` makes of each.
///
/// `take` gets the index of each recording with its audio or an error, in any order and from several threads at once.
/// The parts of one file are read one after another; no more than the longest of them is in memory.
pub fn read_each<T: Send>(
    recordings: &[Recording<'_>],
    channels: Channels,
    take: impl Fn(usize, Result<Waveform>) -> T + Sync,
) -> Vec<T> {
    let (parts, whole): (Vec<_>, Vec<_>) = recordings
        .iter()
        .enumerate()
        .partition(|(_, recording)| recording.excerpt.is_some());
    let mut parts_of: BTreeMap<&Path, Vec<(Excerpt, usize)>> = BTreeMap::new();
    for (i, part) in parts {
        let parts = parts_of.entry(part.path).or_default();
        parts.extend(part.excerpt.map(|excerpt| (excerpt, i)));
    }
    let whole = whole.into_par_iter();
    let whole = whole.map(|(i, recording)| (i, take(i, recording.read(channels))));
    let parts = parts_of.into_par_iter().flat_map_iter(|(path, mut parts)| {
        parts.sort_unstable();
        let mut cursor = Cursor::open(path, channels);
        let take = &take;
        let parts = parts.into_iter();
        parts.map(move |(excerpt, i)| (i, take(i, cursor.read(excerpt))))
    });
    let mut taken: Vec<(usize, T)> = whole.chain(parts).collect();
    taken.sort_unstable_by_key(|(i, _)| *i);
    taken.into_iter().map(|(_, one)| one).collect()
}

fn open(path: &Path, channels: Channels) -> ser_audio::Result<AudioStream> {
    AudioStream::open(path)?.with(channels)
}

/// Reads parts of one file in a single pass, in the order of their starts.
struct Cursor<'a> {
    path: &'a Path,
    /// The decoder, or the reason why the file cannot be read.
    stream: Result<AudioStream, String>,
    /// Decoded samples that may still be needed.
    samples: Vec<f32>,
    /// Index in the file of the first of these samples.
    first: u64,
}

impl<'a> Cursor<'a> {
    fn open(path: &'a Path, channels: Channels) -> Self {
        Self {
            path,
            stream: open(path, channels).map_err(|error| in_words(path, &error)),
            samples: Vec::new(),
            first: 0,
        }
    }

    /// Reads a part that does not start before the previous one.
    fn read(&mut self, excerpt: Excerpt) -> Result<Waveform> {
        let error = |reason| Error::Excerpt {
            path: self.path.to_owned(),
            reason,
        };
        let stream = self
            .stream
            .as_mut()
            .map_err(|reason| error(reason.clone()))?;
        let rate = stream.sample_rate();
        let seconds = |samples: u64| samples as f64 / f64::from(rate);
        let (start, end) = (seconds(excerpt.start), seconds(excerpt.end));
        let error = |reason| error(format!("{start:.3} to {end:.3} s: {reason}"));
        let length = excerpt.end.saturating_sub(excerpt.start);
        if length == 0 || length > MAX_SAMPLES as u64 {
            return Err(error(format!(
                "expected 1 to {MAX_SAMPLES} samples, found {length}"
            )));
        }
        let length = length as usize;
        loop {
            let before = excerpt.start.saturating_sub(self.first);
            let before = before.min(self.samples.len() as u64);
            self.samples.drain(..before as usize);
            self.first += before;
            if self.first >= excerpt.start && self.samples.len() >= length {
                let samples = self.samples[..length].to_vec();
                return Ok(Waveform::new(samples, rate));
            }
            let more = stream.next_block(&mut self.samples);
            if !more.map_err(|reason| error(in_words(self.path, &reason)))? {
                let found = seconds(self.first + self.samples.len() as u64);
                return Err(error(format!("the recording ends at {found:.3} s")));
            }
        }
    }
}

fn in_words(path: &Path, error: &ser_audio::Error) -> String {
    ser_files::without_path(&error.to_string(), path).to_owned()
}

/// Returns a hash, in hexadecimal, of the audio of a part; it corresponds to [`ser_audio::probe`] for a file.
pub(crate) fn content(sound: &Waveform) -> String {
    let mut hash = Xxh3::new();
    hash.update(&sound.sample_rate.to_le_bytes());
    for sample in &sound.samples {
        hash.update(&sample.to_le_bytes());
    }
    format!("{:032x}", hash.digest128())
}
