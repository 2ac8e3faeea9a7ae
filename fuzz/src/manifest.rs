//! Properties that must hold for any bytes that are read as a manifest.

use std::fs;

use ser_data::{Corpus, Scan};
use tempfile::TempDir;

/// The audio file `a.wav`: two samples of silence. The other file, `b.wav`, is long enough for parts.
const WAV: &[u8] = b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\x04\0\0\0\0\0\0\0";

thread_local! {
    /// One folder for all manifests, because creating it takes longer than reading a manifest.
    static FOLDER: TempDir = {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.wav"), WAV).unwrap();
        fs::write(folder.path().join("b.wav"), long()).unwrap();
        folder
    };
}

/// Returns a WAV file of a tenth of a second, in which no two parts have the same samples.
fn long() -> Vec<u8> {
    let samples: Vec<u8> = (0..1600_i16).flat_map(|n| (n * 7).to_le_bytes()).collect();
    let mut wav = WAV[..40].to_vec();
    wav[4..8].copy_from_slice(&(36 + samples.len() as u32).to_le_bytes());
    wav.extend((samples.len() as u32).to_le_bytes());
    wav.extend(samples);
    wav
}

/// Reads a manifest beside the audio files `a.wav` and `b.wav`, writes it, and reads it again.
///
/// # Panics
/// The reader or the writer violates a property.
pub fn check(data: &[u8]) {
    let (first, second) = FOLDER.with(|folder| {
        let file = |name| folder.path().join(name);
        (file("first.csv"), file("second.csv"))
    });
    fs::write(&first, data).unwrap();
    let Ok(Scan { corpus, .. }) = Corpus::load(&first) else {
        return;
    };
    assert!(!corpus.clips().is_empty());
    for clip in corpus.clips() {
        assert!(clip.path.is_file());
        assert!(!clip.emotion.is_empty() && !clip.speaker.is_empty() && !clip.content.is_empty());
        assert!(clip.sample_rate > 0 && clip.channels > 0 && clip.seconds().is_finite());
        assert!(corpus.labels().contains(&clip.emotion));
    }
    corpus.write_manifest(&second).unwrap();
    let again = Corpus::load(&second).unwrap().corpus;
    assert_eq!(again.clips(), corpus.clips());
    assert_eq!(again.labels(), corpus.labels());
    assert_eq!(again.is_synthetic(), corpus.is_synthetic());
    assert_eq!(again.checksum(), corpus.checksum());
}
