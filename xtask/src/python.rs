//! `cargo xtask python`: the Python package as a wheel, installed into an environment of its own and tested there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command;

const SOURCES: &str = "crates/ser-python";
/// The most bytes of a wheel.
const LARGEST: u64 = 10_000_000;

pub fn run(root: &Path) -> Result<()> {
    let sources = root.join(SOURCES);
    let folder = root.join("target/python");
    println!(
        "the environment of the Python package: {}",
        folder.display()
    );
    let python = environment(&folder, &sources.join("tests/requirements.txt"))?;
    let wheel = build(&python, &sources, &folder.join("wheels"))?;
    let size = fs::metadata(&wheel)?.len();
    println!("{}: {:.1} MB", wheel.display(), size as f64 / 1e6);
    ensure!(
        size <= LARGEST,
        "the wheel has {size} bytes, more than the {LARGEST} that it may have: what has come into it?"
    );

    let in_sources = |module: &str, args: &[&str]| {
        let mut command = Command::new(&python);
        command
            .current_dir(&sources)
            .args(["-m", module])
            .args(args);
        command::run(&mut command)
    };
    let install = ["install", "--quiet", "--force-reinstall", "--no-deps"];
    let wheel = wheel.display().to_string();
    in_sources("pip", &[&install[..], &[&wheel]].concat())?;
    in_sources("mypy", &["python", "tests"])?;
    let stubs = ["--mypy-config-file", "pyproject.toml", "ser_speech._native"];
    in_sources("mypy.stubtest", &stubs)?;
    in_sources("pytest", &["--quiet"])
}

/// Builds the wheel.
fn build(python: &Path, sources: &Path, out: &Path) -> Result<PathBuf> {
    if out.exists() {
        fs::remove_dir_all(out).with_context(|| format!("removing {}", out.display()))?;
    }
    let mut maturin = Command::new(python);
    maturin.current_dir(sources);
    maturin.args(["-m", "maturin", "build", "--release", "--out"]);
    command::run(maturin.arg(out))?;
    let entries = fs::read_dir(out).with_context(|| format!("reading {}", out.display()))?;
    let mut wheels = entries.filter_map(|entry| Some(entry.ok()?.path()));
    wheels.next().context("maturin built no wheel")
}

/// The Python of an environment of its own with the packages, at pinned versions, of a file.
pub fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("reading {}", requirements.display()))?;
    // Written when all is installed: the versions that are.
    let installed = folder.join("requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|there| there == wanted) {
        return Ok(python);
    }
    command::run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "-r"];
    command::run(Command::new(&python).args(pip).arg(requirements))?;
    fs::write(&installed, wanted).with_context(|| format!("writing {}", installed.display()))?;
    Ok(python)
}
