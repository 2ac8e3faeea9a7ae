//! Properties that must hold for any bytes that are read as a zip archive.

use std::fs;
use std::path::{Path, PathBuf};

use ser_download::{Archive, Limits};
use tempfile::TempDir;

const LIMITS: Limits = Limits {
    entries: 16,
    bytes: 1 << 16,
};

thread_local! {
    /// One folder for all archives, because creating it takes longer than reading an archive.
    static FOLDER: TempDir = tempfile::tempdir().unwrap();
}

/// Opens an archive, reads its first file as text, and unpacks all of it.
///
/// # Panics
/// Something is written that the directory of the archive does not announce, or outside the destination.
pub fn check(data: &[u8]) {
    FOLDER.with(|folder| check_in(folder.path(), data));
}

fn check_in(folder: &Path, data: &[u8]) {
    let path = folder.join("fuzz.zip");
    fs::write(&path, data).unwrap();
    let Ok(mut archive) = Archive::open(&path, &LIMITS) else {
        return;
    };
    assert!(archive.entries().len() <= LIMITS.entries);
    let announced: Vec<(String, u64)> = archive
        .entries()
        .iter()
        .map(|entry| (entry.name.clone(), entry.size))
        .collect();
    assert!(announced.iter().map(|(_, size)| size).sum::<u64>() <= LIMITS.bytes);
    if let Some((name, size)) = announced.first()
        && let Ok(text) = archive.text(name)
    {
        assert_eq!(text.len() as u64, *size);
    }

    let dest = folder.join("out");
    let unpacked = archive.unpack(&dest, |entry| Some(PathBuf::from(&entry.name)));
    if let Ok(written) = unpacked {
        assert_eq!(written.len(), announced.len());
        for ((name, path), (announced, size)) in written.iter().zip(&announced) {
            assert_eq!(name, announced);
            assert!(path.starts_with(&dest));
            assert_eq!(fs::metadata(path).unwrap().len(), *size);
        }
    }
    let mut beside: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    beside.retain(|name| name != "fuzz.zip" && name != "out");
    assert!(beside.is_empty(), "outside of the destination: {beside:?}");
    if dest.exists() {
        fs::remove_dir_all(dest).unwrap();
    }
}
