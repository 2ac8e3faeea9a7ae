//! A generated corpus with the names and counts of RAVDESS, for machines without the real one.

use std::path::Path;

use crate::{Corpus, Result};

/// Size and seed of a synthetic corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SynthConfig {
    /// Number of actors, 1 to 24.
    pub actors: u8,
    /// Clips of each actor, 1 to 60; emotions stay as balanced as the number allows.
    pub clips_per_actor: usize,
    /// Samples per second, 16 000 to 48 000.
    pub sample_rate: u32,
    /// Another seed gives other voices.
    pub seed: u64,
}

impl Default for SynthConfig {
    fn default() -> Self {
        Self {
            actors: 24,
            clips_per_actor: 60,
            sample_rate: 16_000,
            seed: 0,
        }
    }
}

/// Writes a synthetic corpus into `folder` and indexes it.
///
/// `progress` is called with the number of clips done so far, from several threads.
///
/// # Errors
/// A setting out of range, a folder that holds something else, or the file system.
pub fn generate(
    _folder: impl AsRef<Path>,
    _config: &SynthConfig,
    _progress: impl Fn(usize) + Sync,
) -> Result<Corpus> {
    todo!()
}

/// The file that says a folder is generated.
const MARKER: &str = "SYNTHETIC.txt";

/// True if [`MARKER`] stands in any folder above any of these files.
pub(crate) fn is_marked<'a>(files: impl Iterator<Item = &'a Path>) -> Result<bool> {
    let mut folders = std::collections::BTreeSet::new();
    for file in files {
        let file = std::path::absolute(file).map_err(|source| crate::Error::io(file, source))?;
        for folder in file.ancestors().skip(1) {
            // Whatever lies above a folder seen before was seen then.
            if !folders.insert(folder.to_owned()) {
                break;
            }
            if folder.join(MARKER).exists() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
