//! Copies files, with their names in the errors.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Copies a file. The folder of the copy is created if it is missing.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let copying = || format!("copying {} to {}", from.display(), to.display());
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(copying)?;
    }
    fs::copy(from, to).with_context(copying)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_gets_its_folder_and_an_error_both_names() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["a.txt", "new/b.txt"].map(|name| folder.path().join(name));
        let error = copy(&from, &to).unwrap_err().to_string();
        assert!(
            error.contains("a.txt") && error.contains("b.txt"),
            "{error}"
        );
        fs::write(&from, "text").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "text");
    }
}
