//! `cargo xtask python`: builds the Python package as a wheel, installs it into a separate environment, and tests it there. For
//! `cargo xtask check` it does the same without the wheel.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command;

const SOURCES: &str = "crates/ser-python";
/// Largest size of the wheel, in bytes.
const LARGEST: u64 = 10_000_000;

pub fn run(root: &Path) -> Result<()> {
    let (python, sources, folder) = prepare(root)?;
    let wheel = build(&python, &sources, &folder.join("wheels"))?;
    let size = fs::metadata(&wheel)?.len();
    println!("{}: {:.1} MB", wheel.display(), size as f64 / 1e6);
    ensure!(
        size <= LARGEST,
        "the wheel has {size} bytes, more than the limit of {LARGEST}: find out what was added to it"
    );
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--force-reinstall",
        "--no-deps",
    ]);
    command::run(pip.arg(wheel))?;
    test(&python, &sources)
}

/// Tests the package with a library that is already built, in the layout of pip, because a wheel takes minutes to compile.
pub fn check(root: &Path, library: &Path) -> Result<()> {
    let (python, sources, folder) = prepare(root)?;
    let site = ["-c", "import site; print(site.getsitepackages()[0])"];
    let site = command::output(Command::new(&python).args(site))?;
    let package = Path::new(&site).join("ser_speech");
    if package.exists() {
        fs::remove_dir_all(&package).with_context(|| format!("removing {}", package.display()))?;
    }
    fs::create_dir_all(&package).with_context(|| format!("creating {}", package.display()))?;
    let copy = |from: &Path, name: &OsStr| -> Result<()> {
        fs::copy(from, package.join(name))
            .with_context(|| format!("copying {}", from.display()))?;
        Ok(())
    };
    let written = sources.join("python/ser_speech");
    for file in fs::read_dir(&written).with_context(|| format!("reading {}", written.display()))? {
        let file = file?;
        if file.file_type()?.is_file() {
            copy(&file.path(), &file.file_name())?;
        }
    }
    copy(library, OsStr::new("_native.abi3.so"))?;
    let program = folder.join("bin/ser");
    let script = format!(
        "#!{}\nfrom ser_speech.program import main\n\nmain()\n",
        python.display()
    );
    fs::write(&program, script).with_context(|| format!("writing {}", program.display()))?;
    command::run(Command::new("chmod").arg("+x").arg(&program))?;
    test(&python, &sources)
}

/// Returns the Python of the package's environment, the folder of the package, and the folder of the environment.
fn prepare(root: &Path) -> Result<(PathBuf, PathBuf, PathBuf)> {
    let sources = root.join(SOURCES);
    let folder = root.join("target/python");
    println!(
        "the environment of the Python package: {}",
        folder.display()
    );
    let python = environment(&folder, &sources.join("tests/requirements.txt"))?;
    Ok((python, sources, folder))
}

fn test(python: &Path, sources: &Path) -> Result<()> {
    let in_sources = |module: &str, args: &[&str]| {
        let mut command = Command::new(python);
        command.current_dir(sources).args(["-m", module]).args(args);
        command::run(&mut command)
    };
    in_sources("mypy", &["python", "tests"])?;
    let stubs = ["--mypy-config-file", "pyproject.toml", "ser_speech._native"];
    in_sources("mypy.stubtest", &stubs)?;
    in_sources("pytest", &["--quiet"])
}

/// Builds the wheel and returns its path.
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

/// Returns the Python of a separate environment that has the packages of a requirements file, at pinned versions. The environment is
/// created or updated if necessary.
pub fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("reading {}", requirements.display()))?;
    // The installed versions. The file is written only when everything is installed.
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
