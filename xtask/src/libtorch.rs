//! `cargo xtask libtorch`: sets libtorch up for torch-sys.
//!
//! The build finds libtorch through the link `.libtorch` in the workspace, which `.cargo/config.toml` names as
//! `LIBTORCH`. This task only decides where the link points: to a libtorch or PyTorch that the user already has, or to one
//! that it installs in the per-user cache, from the official archive or, if that cannot be reached, from the Python wheel.

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Error, Result, bail, ensure};
use ser_download::{Archive, Limits, Source, size, with_suffix};
use ser_files::{remove_folder, write_file};

use crate::fetch::fetch;
use crate::{lock, paths, wheel};

/// The version that torch-sys 0.26 is written against.
pub const VERSION: &str = "2.13.0";
/// The minor version, within which PyTorch keeps its C++ interface.
const MINOR: &str = "2.13.";
/// The file that is written last into an install. It lists the size and name of each library, to recognise a damaged install.
const STAMP: &str = ".complete";
/// The file that torch-sys compares with the version that it is written against.
const BUILD_VERSION: &str = "build-version";

/// The properties of a machine that decide which libtorch it needs.
pub struct Host {
    pub os: &'static str,
    pub arch: &'static str,
}

impl Host {
    fn current() -> Self {
        Self {
            os: env::consts::OS,
            arch: env::consts::ARCH,
        }
    }

    fn extension(&self) -> &'static str {
        if self.os == "macos" { "dylib" } else { "so" }
    }

    /// Returns the URL of the official CPU archive, if one is published for this machine.
    fn archive_url(&self) -> Option<String> {
        let file = match (self.os, self.arch) {
            ("linux", "x86_64") => format!("libtorch-shared-with-deps-{VERSION}%2Bcpu.zip"),
            ("macos", "aarch64") => format!("libtorch-macos-arm64-{VERSION}.zip"),
            _ => return None,
        };
        Some(format!("https://download.pytorch.org/libtorch/cpu/{file}"))
    }

    fn install_name(&self) -> String {
        format!("libtorch-{VERSION}-cpu-{}-{}", self.os, self.arch)
    }
}

/// Returns the `LIBTORCH` that the user has set, which is not the value that cargo injects from `.cargo/config.toml`.
fn chosen_by_user(root: &Path) -> Option<PathBuf> {
    let value = PathBuf::from(env::var_os("LIBTORCH")?);
    let injected = value.file_name() == paths::libtorch_link(root).file_name()
        && value.parent().and_then(|folder| folder.canonicalize().ok()) == root.canonicalize().ok();
    (!injected).then_some(value)
}

/// Makes `.libtorch` point to a working libtorch, and installs one if there is none.
pub fn ensure(root: &Path) -> Result<()> {
    let host = Host::current();
    ensure!(
        matches!(host.os, "linux" | "macos"),
        "this task supports Linux and macOS only; on {} unpack libtorch {VERSION} by hand and set LIBTORCH to its folder",
        host.os
    );
    let link = paths::libtorch_link(root);

    if let Some(folder) = chosen_by_user(root) {
        ensure!(
            folder.is_absolute(),
            "LIBTORCH is set to `{}`, but torch-sys builds in another folder: give the absolute path, or unset it",
            folder.display()
        );
        let version = check(&folder, &host).with_context(|| {
            format!(
                "LIBTORCH is set to {}, but that will not do; unset it to let this task find or install another",
                folder.display()
            )
        })?;
        return point(
            &link,
            &folder,
            &format!("LIBTORCH of the environment, version {version}"),
        );
    }
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        let folder = wheel::pytorch().context(
            "LIBTORCH_USE_PYTORCH is set, but python finds no torch; install it or unset the variable",
        )?;
        let version = check(&folder, &host)
            .context("LIBTORCH_USE_PYTORCH is set, but that PyTorch will not do; unset the variable to do without")?;
        return point(
            &link,
            &folder,
            &format!("PyTorch {version}, as LIBTORCH_USE_PYTORCH asks"),
        );
    }
    if let Ok(version) = check(&link, &host) {
        let target = link.canonicalize().unwrap_or_else(|_| link.clone());
        println!("libtorch {version}: .libtorch -> {}", target.display());
        return Ok(());
    }

    println!("libtorch {VERSION}: none linked yet, looking for one");
    if let Some(folder) = wheel::pytorch() {
        match check(&folder, &host) {
            Ok(version) => return point(&link, &folder, &format!("installed PyTorch {version}")),
            Err(error) => println!("  passed over: installed PyTorch: {error:#}"),
        }
    } else {
        println!("  passed over: installed PyTorch: python3 finds none");
    }
    let cache = paths::cache()?;
    let install = cache.join(host.install_name());
    let _lock = lock::hold(&cache.join("libtorch.lock"), "libtorch")?;
    if complete(&install, &host) {
        return point(&link, &install, "the per-user cache");
    }
    println!(
        "  passed over: per-user cache: nothing usable at {}",
        install.display()
    );
    let source = install_into(&install, &cache.join("downloads"), &host)?;
    point(&link, &install, &source)
}

/// Installs from the first source that can be reached, and returns its name.
fn install_into(install: &Path, downloads: &Path, host: &Host) -> Result<String> {
    let start = Instant::now();
    // This process holds the lock, so anything with this name was left by a run that was killed.
    let staging = with_suffix(install, ".unpacking");
    remove_folder(&staging)?;
    let from_archive = match host.archive_url() {
        Some(url) => official(&url, downloads, &staging),
        None => Err(anyhow::anyhow!(
            "none is published for {} {}",
            host.os,
            host.arch
        )),
    };
    let (downloaded, source) = match from_archive {
        Ok(bytes) => (bytes, "the official archive".to_owned()),
        Err(archive_error) => {
            println!("  passed over: official archive: {archive_error:#}");
            remove_folder(&staging)?;
            match wheel::install(host, downloads, &staging) {
                Ok(bytes) => (bytes, "the Python wheel".to_owned()),
                Err(wheel_error) => {
                    remove_folder(&staging)?;
                    bail!(
                        "libtorch {VERSION} could not be installed\n  \
                         official archive: {archive_error:#}\n  \
                         Python wheel: {wheel_error:#}\n\
                         Next: run again with a network (finished parts are kept), or install libtorch {VERSION} or \
                         PyTorch {VERSION} by hand and set LIBTORCH to its folder (docs/libtorch.md)"
                    );
                }
            }
        }
    };
    if let Err(error) = name_version(&staging, host) {
        // What was downloaded is not what its name says, so the next run must not use it again.
        remove_folder(downloads)?;
        remove_folder(&staging)?;
        return Err(error).context("the new install is not complete");
    }
    loads(&staging, host)?;
    write_file(staging.join(STAMP), stamp(&staging)?)?;
    remove_folder(install)?;
    fs::rename(&staging, install).with_context(|| format!("writing {}", install.display()))?;
    remove_folder(downloads)?;
    println!(
        "  downloaded {}, installed {} in {:.0} s",
        size(downloaded),
        size(folder_size(install)?),
        start.elapsed().as_secs_f64()
    );
    Ok(source)
}

/// Downloads the official archive and unpacks what a build needs. Returns the number of bytes downloaded.
fn official(url: &str, downloads: &Path, staging: &Path) -> Result<u64> {
    println!("  official archive: {url}");
    let file = downloads.join(url.rsplit('/').next().unwrap_or("libtorch.zip"));
    // The publisher gives neither size nor checksum, so the CRC of each entry is the only check.
    let source = Source {
        url,
        size: None,
        md5: None,
    };
    let downloaded = fetch(&source, &file)?;
    let unpacked = unpack_official(&file, staging);
    let outlives = |error: &Error| source.outlives(error.as_ref());
    if !unpacked.as_ref().err().is_none_or(outlives) {
        fs::remove_file(&file)?;
    }
    unpacked.map(|()| downloaded)
}

fn unpack_official(file: &Path, staging: &Path) -> Result<()> {
    let limits = Limits {
        entries: 100_000,
        bytes: 8 << 30,
    };
    let written = Archive::open(file, &limits)?.unpack(staging, |entry| {
        let inner = entry.name.strip_prefix("libtorch/")?;
        let needed = inner.starts_with("include/") || inner.starts_with("lib/");
        needed.then(|| PathBuf::from(inner))
    })?;
    ensure!(
        !written.is_empty(),
        "{} holds no folder libtorch/",
        file.display()
    );
    Ok(())
}

/// Writes the version of the headers, which torch-sys compares, into a new install, and checks the install.
fn name_version(folder: &Path, host: &Host) -> Result<()> {
    let version = header_version(folder)?;
    write_file(folder.join(BUILD_VERSION), format!("{version}+cpu\n"))?;
    check(folder, host).map(|_| ())
}

/// Checks that a folder holds the headers and libraries that torch-sys needs, in a version that it accepts. Returns the version.
pub fn check(folder: &Path, host: &Host) -> Result<String> {
    let header = folder.join("include/torch/csrc/api/include/torch/torch.h");
    ensure!(header.is_file(), "{} is missing", header.display());
    for name in ["torch_cpu", "c10", "torch"] {
        library(&folder.join(format!("lib/lib{name}.{}", host.extension())))?;
    }
    if let Ok(written) = fs::read_to_string(folder.join(STAMP)) {
        ensure!(
            stamp(folder)? == written,
            "{} has been damaged since it was installed",
            folder.display()
        );
    }
    let build_version = folder.join(BUILD_VERSION);
    if build_version.is_file() {
        // torch-sys compares this file, and accepts no other patch release.
        let version = fs::read_to_string(&build_version)
            .with_context(|| format!("reading {}", build_version.display()))?;
        let version = version.trim();
        ensure!(
            version.split('+').next() == Some(VERSION),
            "{} is version {version}, this project needs {VERSION}",
            folder.display()
        );
        return Ok(version.to_owned());
    }
    let version = header_version(folder)?;
    ensure!(
        version.starts_with(MINOR),
        "{} is version {version}, this project needs {VERSION}",
        folder.display()
    );
    Ok(version)
}

/// Checks that a file is a shared library, and not a stub or a truncated download.
fn library(path: &Path) -> Result<()> {
    let mut magic = [0; 4];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut magic))
        .with_context(|| format!("{} is missing or empty", path.display()))?;
    let known = [
        *b"\x7fELF",
        [0xcf, 0xfa, 0xed, 0xfe],
        [0xca, 0xfe, 0xba, 0xbe],
    ];
    ensure!(
        known.contains(&magic),
        "{} is not a shared library",
        path.display()
    );
    Ok(())
}

/// Reads the version from the headers, for a folder without `build-version` (a PyTorch install has none).
fn header_version(folder: &Path) -> Result<String> {
    let candidates = [
        "include/torch/headeronly/version.h",
        "include/torch/csrc/api/include/torch/version.h",
    ];
    let text: String = candidates
        .iter()
        .filter_map(|file| fs::read_to_string(folder.join(file)).ok())
        .collect();
    let part = |name: &str| {
        let key = format!("#define TORCH_VERSION_{name} ");
        text.lines()
            .find_map(|line| line.strip_prefix(&key)?.trim().parse::<u32>().ok())
            .with_context(|| format!("the headers in {} give no version", folder.display()))
    };
    Ok(format!(
        "{}.{}.{}",
        part("MAJOR")?,
        part("MINOR")?,
        part("PATCH")?
    ))
}

/// Checks with `ldd` that the dynamic loader can load `libtorch_cpu`, and finds every library that it names.
fn loads(folder: &Path, host: &Host) -> Result<()> {
    if host.os != "linux" {
        return Ok(());
    }
    let library = folder.join("lib/libtorch_cpu.so");
    // cargo sets a library path, which a program started without cargo does not have.
    let Ok(output) = Command::new("ldd")
        .arg(&library)
        .env_remove("LD_LIBRARY_PATH")
        .output()
    else {
        println!("  ldd is missing: not checked whether all libraries are found");
        return Ok(());
    };
    let listing = String::from_utf8_lossy(&output.stdout);
    let missing = unresolved(&listing);
    ensure!(
        missing.is_empty(),
        "{} needs libraries that are not there: {}",
        library.display(),
        missing.join(", ")
    );
    // A library of another processor, or a damaged one, has no listing.
    ensure!(
        output.status.success(),
        "{} cannot be loaded on this machine: ldd says {} {}",
        library.display(),
        listing.trim(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// Returns the names that `ldd` could not resolve.
fn unresolved(listing: &str) -> Vec<&str> {
    listing
        .lines()
        .filter_map(|line| line.trim().strip_suffix("=> not found"))
        .map(str::trim)
        .collect()
}

/// Returns the size and name of each library of an install.
fn stamp(install: &Path) -> Result<String> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(install.join("lib"))? {
        let entry = entry?;
        lines.push(format!(
            "{} {}",
            entry.metadata()?.len(),
            entry.file_name().display()
        ));
    }
    lines.sort();
    Ok(lines.join("\n"))
}

/// Whether an install exists and is undamaged.
fn complete(install: &Path, host: &Host) -> bool {
    install.join(STAMP).is_file() && check(install, host).is_ok()
}

/// Makes `.libtorch` point to `folder`. An older link is replaced atomically.
fn point(link: &Path, folder: &Path, source: &str) -> Result<()> {
    let folder = folder
        .canonicalize()
        .with_context(|| format!("reading {}", folder.display()))?;
    let before = link.canonicalize().ok();
    if before.as_ref() != Some(&folder) {
        if let Ok(meta) = link.symlink_metadata()
            && !meta.is_symlink()
        {
            bail!(
                "{} is in the way: it must be a link; move it elsewhere and run again",
                link.display()
            );
        }
        let fresh = link.with_extension(format!("new-{}", std::process::id()));
        symlink(&folder, &fresh).with_context(|| format!("linking {}", fresh.display()))?;
        fs::rename(&fresh, link).with_context(|| format!("linking {}", link.display()))?;
        if before.is_some() {
            println!(
                "  the link pointed elsewhere before: run `cargo clean -p torch-sys` to rebuild against this one"
            );
        }
    }
    println!(
        "libtorch ready from {source}: .libtorch -> {}",
        folder.display()
    );
    if folder.join("lib/libtorch_cuda.so").exists() {
        println!("  it is a CUDA build: torch-sys links its GPU libraries as well");
    }
    println!(
        "  next: cargo build, cargo test, cargo install --path crates/ser-cli --features train"
    );
    Ok(())
}

#[cfg(unix)]
pub fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
pub fn symlink(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

fn folder_size(folder: &Path) -> Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        total += if meta.is_dir() {
            folder_size(&entry.path())?
        } else {
            meta.len()
        };
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: Host = Host {
        os: "linux",
        arch: "x86_64",
    };
    const MAC: Host = Host {
        os: "macos",
        arch: "aarch64",
    };

    /// Makes a folder that looks like libtorch to `check`.
    fn fake(folder: &Path, version: &str) {
        let api = folder.join("include/torch/csrc/api/include/torch");
        fs::create_dir_all(&api).unwrap();
        fs::write(api.join("torch.h"), "").unwrap();
        let numbers: Vec<&str> = version.split('.').collect();
        let text = format!(
            "#define TORCH_VERSION_MAJOR {}\n#define TORCH_VERSION_MINOR {}\n#define TORCH_VERSION_PATCH {}\n",
            numbers[0], numbers[1], numbers[2]
        );
        fs::write(api.join("version.h"), text).unwrap();
        fs::create_dir_all(folder.join("lib")).unwrap();
        for name in ["torch_cpu", "c10", "torch"] {
            fs::write(
                folder.join(format!("lib/lib{name}.so")),
                b"\x7fELF and more",
            )
            .unwrap();
        }
    }

    #[test]
    fn the_archive_is_chosen_by_machine() {
        let base = "https://download.pytorch.org/libtorch/cpu/";
        let linux = format!("{base}libtorch-shared-with-deps-2.13.0%2Bcpu.zip");
        assert_eq!(LINUX.archive_url(), Some(linux));
        assert_eq!(
            MAC.archive_url(),
            Some(format!("{base}libtorch-macos-arm64-2.13.0.zip"))
        );
        assert_eq!(
            Host {
                os: "linux",
                arch: "aarch64"
            }
            .archive_url(),
            None
        );
    }

    #[test]
    fn a_whole_folder_passes_with_its_version() {
        let folder = tempfile::tempdir().unwrap();
        fake(folder.path(), "2.13.1");
        assert_eq!(check(folder.path(), &LINUX).unwrap(), "2.13.1");
        // With the file that torch-sys reads, only the exact version passes.
        fs::write(folder.path().join("build-version"), "2.13.0+cpu\n").unwrap();
        assert_eq!(check(folder.path(), &LINUX).unwrap(), "2.13.0+cpu");
        fs::write(folder.path().join("build-version"), "2.13.1+cpu\n").unwrap();
        assert!(check(folder.path(), &LINUX).is_err());
    }

    #[test]
    fn a_new_install_has_the_version_of_its_headers() {
        let folder = tempfile::tempdir().unwrap();
        fake(folder.path(), VERSION);
        name_version(folder.path(), &LINUX).unwrap();
        let written = fs::read_to_string(folder.path().join("build-version")).unwrap();
        assert_eq!(written, "2.13.0+cpu\n");
        // The archive or wheel was that of an older version.
        fake(folder.path(), "2.12.0");
        let error = format!("{:#}", name_version(folder.path(), &LINUX).unwrap_err());
        assert!(error.contains("is version 2.12.0+cpu"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_library_that_cannot_be_loaded_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fake(folder.path(), VERSION);
        let error = loads(folder.path(), &LINUX).unwrap_err().to_string();
        assert!(
            error.contains("libtorch_cpu.so cannot be loaded"),
            "{error}"
        );
    }

    #[test]
    fn another_version_or_a_damaged_folder_fails_by_name() {
        let folder = tempfile::tempdir().unwrap();
        fake(folder.path(), "2.4.0");
        let error = |folder: &Path| format!("{:#}", check(folder, &LINUX).unwrap_err());
        assert!(error(folder.path()).contains("version 2.4.0"));
        fake(folder.path(), "2.13.0");
        fs::write(folder.path().join("lib/libc10.so"), "").unwrap();
        assert!(error(folder.path()).contains("libc10.so is missing or empty"));
        fs::write(folder.path().join("lib/libc10.so"), "<html>").unwrap();
        assert!(error(folder.path()).contains("not a shared library"));
        assert!(error(&folder.path().join("nowhere")).contains("torch.h is missing"));
    }

    #[test]
    fn a_finished_install_is_told_from_a_damaged_one() {
        let folder = tempfile::tempdir().unwrap();
        fake(folder.path(), "2.13.0");
        assert!(!complete(folder.path(), &LINUX));
        fs::write(folder.path().join(STAMP), stamp(folder.path()).unwrap()).unwrap();
        assert!(complete(folder.path(), &LINUX));
        fs::write(folder.path().join("lib/libtorch.so"), b"\x7fELF").unwrap();
        assert!(!complete(folder.path(), &LINUX));
    }

    #[test]
    fn the_link_moves_in_one_step_and_never_replaces_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join(".libtorch");
        for name in ["one", "two"] {
            let target = folder.path().join(name);
            fs::create_dir(&target).unwrap();
            point(&link, &target, "a test").unwrap();
            assert_eq!(link.canonicalize().unwrap(), target.canonicalize().unwrap());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        fs::remove_file(&link).unwrap();
        fs::create_dir(&link).unwrap();
        let error = point(&link, &folder.path().join("one"), "a test").unwrap_err();
        assert!(error.to_string().contains("in the way"), "{error}");
    }

    #[test]
    fn ldd_tells_what_is_missing() {
        let listing = "\tlibc10.so => /x/libc10.so (0x0000)\n\tlibcupti.so.13 => not found\n\tlinux-vdso.so.1 (0x0)\n";
        assert_eq!(unresolved(listing), ["libcupti.so.13"]);
    }

    #[test]
    fn an_official_archive_gives_headers_and_libraries_only() {
        use std::io::Write;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("libtorch.zip");
        let mut zip = zip::ZipWriter::new(File::create(&file).unwrap());
        for name in [
            "libtorch/include/torch/x.h",
            "libtorch/lib/libc10.so",
            "libtorch/share/cmake/y",
            "README",
        ] {
            zip.start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(b"text").unwrap();
        }
        zip.finish().unwrap();
        let staging = folder.path().join("out");
        unpack_official(&file, &staging).unwrap();
        assert!(
            staging.join("include/torch/x.h").is_file() && staging.join("lib/libc10.so").is_file()
        );
        assert_eq!(fs::read_dir(&staging).unwrap().count(), 2);
    }
}
