//! `cargo xtask python`: builds the Python package as a wheel, installs it into a separate environment, and tests it there. For
//! `cargo xtask check` it does the same without the wheel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ser_files::{remove_file, remove_folder, write_file};

use crate::command;
use crate::files::copy;

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
    // What `check` left there must not hide that the wheel lacks a file.
    remove_package(&python, &folder)?;
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
    test(&python, &sources, &[])
}

/// Tests the package with a library that is already built, in the layout of pip, because a wheel takes minutes to compile.
pub fn check(root: &Path, library: &Path) -> Result<()> {
    let (python, sources, folder) = prepare(root)?;
    let (package, program) = remove_package(&python, &folder)?;
    let written = sources.join("python/ser_speech");
    for file in fs::read_dir(&written).with_context(|| format!("reading {}", written.display()))? {
        let file = file?;
        if file.file_type()?.is_file() {
            copy(&file.path(), &package.join(file.file_name()))?;
        }
    }
    copy(library, &package.join("_native.abi3.so"))?;
    let script = format!(
        "#!{}\nfrom ser_speech.program import main\n\nmain()\n",
        python.display()
    );
    write_file(&program, script)?;
    command::run(Command::new("chmod").arg("+x").arg(&program))?;
    // Several processes are faster, but pytest then does not show the times that tests print. They are of a development build here.
    test(&python, &sources, &["--numprocesses", "auto"])
}

/// Removes the package and its program from the environment. Returns their paths.
fn remove_package(python: &Path, folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let site = ["-c", "import site; print(site.getsitepackages()[0])"];
    let site = command::output(Command::new(python).args(site))?;
    let (package, program) = (Path::new(&site).join("ser_speech"), folder.join("bin/ser"));
    remove_folder(&package)?;
    remove_file(&program)?;
    Ok((package, program))
}

/// Installs what the package is tested with. Returns the Python of its environment, the folder of the package, and the folder of
/// the environment.
pub fn prepare(root: &Path) -> Result<(PathBuf, PathBuf, PathBuf)> {
    let sources = root.join(SOURCES);
    let folder = root.join("target/python");
    println!(
        "the environment of the Python package: {}",
        folder.display()
    );
    let python = environment(&folder, &sources.join("tests/requirements.txt"))?;
    Ok((python, sources, folder))
}

fn test(python: &Path, sources: &Path, options: &[&str]) -> Result<()> {
    let in_sources = |module: &str, args: &[&str]| {
        let mut command = Command::new(python);
        command.current_dir(sources).args(["-m", module]).args(args);
        command::run(&mut command)
    };
    in_sources("mypy", &["python", "tests"])?;
    let stubs = ["--mypy-config-file", "pyproject.toml", "ser_speech._native"];
    in_sources("mypy.stubtest", &stubs)?;
    in_sources("pytest", &[&["--quiet"], options].concat())
}

/// Builds the wheel and returns its path.
fn build(python: &Path, sources: &Path, out: &Path) -> Result<PathBuf> {
    remove_folder(out)?;
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
    // An environment that is half updated must not count as complete for the versions that it had before.
    remove_file(&installed)?;
    command::run(Command::new("python3").args(["-m", "venv"]).arg(folder)).context(
        "python3 made no environment; if its module venv is missing, install it (Debian and Ubuntu: apt-get install python3-venv)",
    )?;
    // Modules are compiled when they are first imported, which most never are.
    let pip = ["-m", "pip", "install", "--quiet", "--no-compile", "-r"];
    command::run(Command::new(&python).args(pip).arg(requirements))?;
    write_file(&installed, wanted)?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_that_could_not_be_updated_is_not_taken_for_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (environment_folder, requirements) = (
            folder.path().join("python"),
            folder.path().join("requirements.txt"),
        );
        fs::create_dir(&environment_folder).unwrap();
        let installed = environment_folder.join("requirements.txt");
        fs::write(&installed, "pytest==1").unwrap();
        fs::write(&requirements, "pytest==1").unwrap();
        let python = environment(&environment_folder, &requirements).unwrap();
        assert_eq!(python, environment_folder.join("bin/python"));
        // python3 cannot make an environment here.
        fs::write(environment_folder.join("bin"), "").unwrap();
        fs::write(&requirements, "pytest==2").unwrap();
        let error = environment(&environment_folder, &requirements).unwrap_err();
        assert!(error.to_string().contains("python3-venv"), "{error:#}");
        assert!(!installed.exists());
    }
}
