//! The paths of the workspace, the per-user cache and the corpora.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Returns the workspace root, the folder above this crate.
pub fn workspace() -> PathBuf {
    // cargo sets the path of the crate at run time; the compiled-in path is for a binary started by hand.
    let manifest =
        env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let manifest = PathBuf::from(manifest);
    manifest.parent().map(Path::to_path_buf).unwrap_or(manifest)
}

/// Returns the per-user cache that all clones share.
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

/// Returns the path of the link to libtorch that `.cargo/config.toml` names.
pub fn libtorch_link(root: &Path) -> PathBuf {
    root.join(".libtorch")
}

/// Returns the folder of downloaded and generated corpora.
pub fn corpora(root: &Path) -> PathBuf {
    root.join("data/corpora")
}
