//! Where things lie: the workspace, the per-user cache, the corpora.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ser_download::with_suffix;

/// The workspace root, the folder above this crate.
pub fn workspace() -> PathBuf {
    // cargo says at run time where the crate lies; the compiled-in path serves a binary started by hand.
    let manifest =
        env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let manifest = PathBuf::from(manifest);
    manifest.parent().map(Path::to_path_buf).unwrap_or(manifest)
}

/// The per-user cache that all clones share.
pub fn cache() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("XDG_CACHE_HOME").map(PathBuf::from)
        && folder.is_absolute()
    {
        return Ok(folder.join("ser"));
    }
    let home = env::home_dir()
        .filter(|home| !home.as_os_str().is_empty())
        .context("no home folder for the cache: set HOME or XDG_CACHE_HOME")?;
    Ok(match env::consts::OS {
        "macos" => home.join("Library/Caches/ser"),
        _ => home.join(".cache/ser"),
    })
}

/// The link to libtorch that `.cargo/config.toml` names.
pub fn libtorch_link(root: &Path) -> PathBuf {
    root.join(".libtorch")
}

/// The folder of downloaded and generated corpora.
pub fn corpora(root: &Path) -> PathBuf {
    root.join("data/corpora")
}

/// Writes a file beside and renames it, so that it is never there in part.
pub fn write_whole(file: &Path, text: &str) -> Result<()> {
    let writing = || format!("writing {}", file.display());
    let beside = with_suffix(file, ".part");
    fs::write(&beside, text).with_context(writing)?;
    fs::rename(&beside, file).with_context(writing)
}
