//! What must hold for any bytes that are taken for a zip archive.

use std::fs;
use std::path::PathBuf;

use crate::archive::{Archive, Limits};

const LIMITS: Limits = Limits {
    entries: 16,
    bytes: 1 << 16,
};

/// Opens an archive, reads its first file as text and unpacks all of it.
///
/// # Panics
/// Where something is written that the directory of the archive did not announce, or elsewhere.
pub fn check(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fuzz.zip");
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

    let dest = folder.path().join("out");
    let unpacked = archive.unpack(&dest, |entry| Some(PathBuf::from(&entry.name)));
    if let Ok(written) = unpacked {
        assert_eq!(written.len(), announced.len());
        for ((name, path), (announced, size)) in written.iter().zip(&announced) {
            assert_eq!(name, announced);
            assert!(path.starts_with(&dest));
            assert_eq!(fs::metadata(path).unwrap().len(), *size);
        }
    }
    let mut beside: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    beside.retain(|name| name != "fuzz.zip" && name != "out");
    assert!(beside.is_empty(), "outside of the destination: {beside:?}");
}
