//! With the feature `page`, the service contains the files that `cargo xtask page` made. This script lists them for
//! `src/page.rs`.

use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=SER_PAGE");
    if env::var_os("CARGO_FEATURE_PAGE").is_none() {
        return Ok(());
    }
    let folder = env::var_os("SER_PAGE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/page"),
        PathBuf::from,
    );
    println!("cargo::rerun-if-changed={}", folder.display());
    let files = fs::read_dir(&folder).map_err(|error| {
        format!(
            "{}: {error}; make this folder with `cargo xtask page`, or set SER_PAGE to another folder",
            folder.display()
        )
    })?;
    let (mut list, mut has_start) = (String::from("[\n"), false);
    for file in files {
        let file = file?.path().canonicalize()?;
        // Only the compressed files; the service has the model anyway.
        if file.extension().is_some_and(|extension| extension == "gz") {
            let name = file.file_stem().unwrap_or_default();
            has_start |= name == "index.html";
            let mut hash = DefaultHasher::new();
            fs::read(&file)?.hash(&mut hash);
            let tag = hash.finish();
            list += &format!("    ({name:?}, \"\\\"{tag:016x}\\\"\", include_bytes!({file:?})),\n");
        }
    }
    if !has_start {
        return Err(format!(
            "{}: expected the page with index.html.gz, found none; make this folder again with `cargo xtask page`",
            folder.display()
        )
        .into());
    }
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    fs::write(Path::new(&out).join("page.rs"), list + "]\n")?;
    Ok(())
}
