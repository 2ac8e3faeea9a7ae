//! Small corpora, in memory and on disk.

use std::fs;
use std::path::{Path, PathBuf};

use ser_data::ravdess::Name;
use ser_data::{Clip, Corpus};

/// Returns a clip that exists only in memory; its content is its path.
pub fn clip(path: &str, emotion: &str, speaker: &str) -> Clip {
    Clip {
        path: path.into(),
        emotion: emotion.to_owned(),
        speaker: speaker.to_owned(),
        content: path.to_owned(),
        sample_rate: 16_000,
        channels: 1,
        frames: 16_000,
        ..Clip::default()
    }
}

/// Writes a manifest.
pub fn manifest(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("mine.csv");
    fs::write(&path, text).unwrap();
    path
}

/// Returns the RAVDESS speech clips of these actors, in memory.
pub fn ravdess_of(actors: impl IntoIterator<Item = u8>) -> Corpus {
    let clips = actors
        .into_iter()
        .flat_map(Name::speech_of)
        .map(|name| Clip {
            gender: Some(name.gender().to_string()),
            intensity: Some(name.intensity.to_string()),
            statement: Some(name.statement.to_string()),
            repetition: Some(name.repetition),
            ..clip(
                &format!("{name}.wav"),
                name.emotion.as_str(),
                &name.speaker(),
            )
        });
    Corpus::new("ravdess", false, clips.collect())
}

/// Returns the same corpus after an edit of every clip.
pub fn edited(corpus: &Corpus, edit: impl FnMut(&mut Clip)) -> Corpus {
    let mut clips = corpus.clips().to_vec();
    clips.iter_mut().for_each(edit);
    Corpus::new(corpus.name(), corpus.is_synthetic(), clips)
}

/// The properties of a WAV file.
#[derive(Clone, Copy)]
pub struct Wav {
    pub sample_rate: u32,
    pub channels: u16,
    /// Files with the same number have the same samples.
    pub content: i16,
}

impl Wav {
    pub fn new(content: i16) -> Self {
        Self {
            sample_rate: 16_000,
            channels: 1,
            content,
        }
    }

    /// Writes a tenth of a second, and creates the parent folders.
    pub fn write(self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let samples = (0..(self.sample_rate / 10) as i16)
            .flat_map(|n| std::iter::repeat_n(n.wrapping_mul(self.content), self.channels.into()));
        ser_fixtures::write_interleaved(path, self.sample_rate, self.channels, samples);
    }
}

/// Returns the bytes of a WAV file with another chunk before and after its samples.
pub fn with_more_chunks(wav: &[u8]) -> Vec<u8> {
    let chunk = |name: &[u8; 4]| [name.as_slice(), &6u32.to_le_bytes(), b"ignore"].concat();
    let (head, data) = wav.split_at(36);
    let mut bytes = [head, &chunk(b"FLLR"), data, &chunk(b"LIST")].concat();
    let riff_length = bytes.len() as u32 - 8;
    bytes[4..8].copy_from_slice(&riff_length.to_le_bytes());
    bytes
}
