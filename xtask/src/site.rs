//! `cargo xtask site`: builds the documentation as a web site in `target/site/html`, for a disk or any static host. The pages load
//! nothing from other hosts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use ser_files::remove_folder;
use serde_json::Value;

use crate::files::copy;
use crate::{command, libtorch, python};

/// The sources of the pages. They are copied with their paths, because they link to each other as in the repository.
const PAGES: [&str; 3] = ["*.md", "docs", "CITATION.cff"];
const NOTEBOOK: &str = "docs/notebook.ipynb";

/// Installs what the site is made with, and returns its Python.
pub fn prepare(root: &Path) -> Result<PathBuf> {
    let environment = root.join("target/site/python");
    python::environment(&environment, &root.join("docs/requirements.txt"))
}

pub fn run(root: &Path) -> Result<()> {
    let python = prepare(root)?;
    let folder = root.join("target/site");
    let pages = folder.join("pages");
    remove_folder(&pages)?;
    let mut listed = Command::new("git");
    listed
        .current_dir(root)
        .args(["ls-files", "--"])
        .args(PAGES);
    for file in command::output(&mut listed)?.lines() {
        copy(&root.join(file), &pages.join(file))?;
    }
    copy_folder(&rust(root)?, &pages.join("rust"))?;
    let convert = ["-m", "nbconvert", "--to", "markdown", "--log-level", "WARN"];
    command::run(
        Command::new(&python)
            .args(convert)
            .arg(pages.join(NOTEBOOK)),
    )?;
    let html = folder.join("html");
    let mut mkdocs = Command::new(&python);
    mkdocs.current_dir(root).args(["-m", "mkdocs", "build"]);
    mkdocs.args(["--strict", "--config-file", "docs/mkdocs.yml"]);
    mkdocs.arg("--site-dir").arg(&html);
    // Suppresses a warning in red letters in which the authors of mkdocs ask for money.
    mkdocs.env("NO_MKDOCS_2_WARNING", "1");
    command::run(&mut mkdocs)?;
    check_offline(&html)?;
    println!("the site: {}", html.join("index.html").display());
    Ok(())
}

/// Builds the documentation of the crates, and returns its folder.
fn rust(root: &Path) -> Result<PathBuf> {
    libtorch::ensure(root)?;
    let mut doc = command::cargo(root);
    doc.args([
        "doc",
        "--no-deps",
        "--workspace",
        "--features",
        command::TRAIN,
    ]);
    command::run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    let mut metadata = command::cargo(root);
    metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&command::output(&mut metadata)?)?;
    let target = metadata["target_directory"].as_str();
    Ok(Path::new(target.context("cargo names no target folder")?).join("doc"))
}

/// Checks that no page loads anything from another host.
fn check_offline(html: &Path) -> Result<()> {
    let entries = fs::read_dir(html).with_context(|| format!("reading {}", html.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("rust") {
            check_offline(&path)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            let page =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            if let Some(tag) = loaded_from_elsewhere(&page) {
                bail!("{} cannot be read offline: {tag}", path.display());
            }
        }
    }
    Ok(())
}

/// Returns the first tag of a page that makes a browser load something from another host.
fn loaded_from_elsewhere(page: &str) -> Option<&str> {
    let mut tags = page.split('<').filter_map(|rest| rest.split('>').next());
    tags.find(|tag| {
        let is = |name| tag.starts_with(name);
        let is_elsewhere = tag.contains("//") && !tag.contains("\"canonical\"");
        is_elsewhere && (is("script ") || is("img ") || is("link ") || is("iframe "))
    })
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            copy(&entry.path(), &to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_loaded_from_elsewhere_is_found() {
        for tag in [
            r#"<script async src="https://a.org/x.js">"#,
            r#"<link rel="stylesheet" href="//a.org/x.css">"#,
            r#"<img alt="x" src="http://a.org/x.png">"#,
        ] {
            assert!(
                loaded_from_elsewhere(&format!("<p>{tag}</p>")).is_some(),
                "{tag}"
            );
        }
        let own = r#"<script src="a.js"></script><a href="https://a.org">a</a><link rel="stylesheet" href="a.css">"#;
        assert_eq!(loaded_from_elsewhere(own), None);
    }
}
