//! libtorch out of the PyTorch wheel: the way that works wherever Python packages can be installed.
//!
//! pip finds, downloads and verifies the wheels; we unpack the headers and the CPU libraries and check each file against
//! the SHA-256 in the wheel's own RECORD. Nothing is installed into Python.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::archive::{Archive, Entry, Limits};
use crate::fetch;
use crate::libtorch::{Host, VERSION, clear};

/// The wheel for Linux x86-64 is a CUDA build of 1.2 GB unpacked; these are its CPU part.
/// `libtorch_cuda.so` must stay out: torch-sys links CUDA if that file exists.
const CPU_LIBRARIES: [&str; 6] = [
    "libtorch_cpu.so",
    "libc10.so",
    "libtorch.so",
    "libgomp.so.1",
    "libshm.so",
    "libtorch_global_deps.so",
];
/// `libtorch_cpu.so` of that build names these two, each from a wheel of its own.
const CUDA_STUBS: [(&str, &str); 2] = [
    ("nvidia-cuda-runtime==13.*", "libcudart.so.13"),
    ("nvidia-cuda-cupti==13.*", "libcupti.so.13"),
];

/// The wheels to get and how to get them.
struct Plan {
    requirements: Vec<String>,
    /// Platform tags to name when pip finds nothing for the Python it runs on.
    platforms: &'static [&'static str],
    cuda_build: bool,
}

fn plan(host: &Host) -> Result<Plan> {
    let cuda_build = (host.os, host.arch) == ("linux", "x86_64");
    let platforms: &[&str] = match (host.os, host.arch) {
        ("linux", "x86_64") => &[
            "manylinux_2_28_x86_64",
            "manylinux_2_25_x86_64",
            "manylinux_2_17_x86_64",
            "manylinux2014_x86_64",
        ],
        ("linux", "aarch64") => &["manylinux_2_28_aarch64"],
        ("macos", "aarch64") => &["macosx_14_0_arm64", "macosx_11_0_arm64"],
        (os, arch) => bail!("no PyTorch {VERSION} wheel is published for {os} {arch}"),
    };
    let mut requirements = vec![format!("torch=={VERSION}")];
    if cuda_build {
        requirements.extend(CUDA_STUBS.map(|(requirement, _)| requirement.to_owned()));
    }
    Ok(Plan {
        requirements,
        platforms,
        cuda_build,
    })
}

/// Downloads the wheels and unpacks libtorch into `staging`; returns how many bytes of wheels were fetched.
pub fn install(host: &Host, downloads: &Path, staging: &Path) -> Result<u64> {
    let plan = plan(host)?;
    let pip = find_pip()?;
    let mut fetched = 0;
    let mut wheels = Vec::new();
    for requirement in &plan.requirements {
        let (wheel, bytes) = download(&pip, requirement, plan.platforms, downloads)?;
        fetched += bytes;
        wheels.push(wheel);
    }
    for wheel in &wheels {
        if let Err(error) = unpack(wheel, staging, plan.cuda_build) {
            // Damaged beyond what pip noticed: the next run must not meet it again.
            fs::remove_file(wheel)?;
            return Err(error);
        }
    }
    Ok(fetched)
}

/// Gets one wheel, or finds it from an earlier run; returns it and the bytes fetched now.
fn download(
    pip: &[&str],
    requirement: &str,
    platforms: &[&str],
    downloads: &Path,
) -> Result<(PathBuf, u64)> {
    let prefix = requirement
        .split("==")
        .next()
        .unwrap_or(requirement)
        .replace('-', "_");
    if let Some(wheel) = find_wheel(downloads, &prefix) {
        println!("  {requirement}: downloaded by an earlier run");
        return Ok((wheel, 0));
    }
    println!("  {requirement}: {} download", pip.join(" "));
    let incoming = downloads.join("incoming");
    let native: Vec<String> = Vec::new();
    // pip run by an old or very new Python finds no wheel for itself, but we only want what is not Python in it.
    let mut foreign: Vec<String> = [
        "--only-binary=:all:",
        "--python-version=3.12",
        "--implementation=cp",
    ]
    .map(str::to_owned)
    .to_vec();
    foreign.extend(
        platforms
            .iter()
            .map(|platform| format!("--platform={platform}")),
    );

    let mut reasons = Vec::new();
    for options in [native, foreign] {
        clear(&incoming)?;
        let temporary = incoming.join("tmp");
        fs::create_dir_all(&temporary)
            .with_context(|| format!("creating {}", temporary.display()))?;
        match run_pip(pip, requirement, &options, &incoming) {
            Ok(()) => {
                let wheel = find_wheel(&incoming, &prefix).with_context(|| {
                    format!("pip left no {prefix} wheel in {}", incoming.display())
                })?;
                let target = downloads.join(wheel.file_name().unwrap_or_default());
                fs::rename(&wheel, &target)
                    .with_context(|| format!("writing {}", target.display()))?;
                clear(&incoming)?;
                let bytes = fs::metadata(&target)?.len();
                return Ok((target, bytes));
            }
            Err(error) => reasons.push(format!("{error:#}")),
        }
    }
    clear(&incoming)?;
    bail!(
        "pip cannot download {requirement}: {}",
        reasons.join("; with the platform named: ")
    );
}

fn run_pip(pip: &[&str], requirement: &str, options: &[String], incoming: &Path) -> Result<()> {
    let mut command = Command::new(pip[0]);
    command
        .args(&pip[1..])
        // The wheel would lie in pip's cache a second time, 527 MB for nothing.
        .args([
            "download",
            "--no-deps",
            "--no-cache-dir",
            "--disable-pip-version-check",
            "--dest",
        ])
        .arg(incoming)
        .args(options)
        .arg(requirement)
        // /tmp may be a small memory disk.
        .env("TMPDIR", incoming.join("tmp"))
        // Known to pip 25.1 and later, ignored before.
        .env("PIP_RESUME_RETRIES", "10")
        .stderr(Stdio::piped());
    if !std::io::stdout().is_terminal() {
        command.arg("--quiet");
    }
    let output = command
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .with_context(|| format!("starting {}", pip.join(" ")))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("no message");
    bail!("{}", last.trim());
}

/// The pip to use: that of python3, or a separate pip3.
fn find_pip() -> Result<Vec<&'static str>> {
    let candidates = [vec!["python3", "-m", "pip"], vec!["pip3"]];
    candidates
        .into_iter()
        .find(|pip| {
            let mut command = Command::new(pip[0]);
            command.args(&pip[1..]).arg("--version");
            command.output().is_ok_and(|output| output.status.success())
        })
        .context("neither `python3 -m pip` nor `pip3` runs here; install pip (Debian: apt install python3-pip)")
}

fn find_wheel(folder: &Path, prefix: &str) -> Option<PathBuf> {
    let start = format!("{prefix}-");
    fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&start) && name.ends_with(".whl")
        })
}

/// Unpacks what a build needs from one wheel and checks it against the wheel's RECORD.
fn unpack(wheel: &Path, staging: &Path, cuda_build: bool) -> Result<()> {
    let limits = Limits {
        entries: 100_000,
        bytes: 8 << 30,
    };
    let mut archive = Archive::open(wheel, &limits)?;
    let record = archive
        .entries()
        .iter()
        .find(|entry| entry.name.ends_with(".dist-info/RECORD"))
        .map(|entry| entry.name.clone())
        .with_context(|| format!("{} has no RECORD: it is not a wheel", wheel.display()))?;
    let hashes = record_hashes(&archive.text(&record)?);
    let written = archive.unpack(staging, |entry: &Entry| place(&entry.name, cuda_build))?;
    ensure!(
        !written.is_empty(),
        "{} holds nothing of libtorch",
        wheel.display()
    );
    for (name, path) in &written {
        let expected = hashes
            .get(name)
            .with_context(|| format!("RECORD gives no SHA-256 for `{name}`"))?;
        let mut hash = Sha256::new();
        fetch::feed(path, |bytes| hash.update(bytes))?;
        let actual = URL_SAFE_NO_PAD.encode(hash.finalize());
        ensure!(
            actual == *expected,
            "`{name}` of {} has SHA-256 {actual}, RECORD says {expected}",
            wheel.display()
        );
    }
    Ok(())
}

/// Where a file of a wheel goes in the install; `None` for the parts that only Python or a GPU needs.
fn place(name: &str, cuda_build: bool) -> Option<PathBuf> {
    let file = name.rsplit('/').next()?;
    if name.starts_with("torch/include/") {
        return Some(PathBuf::from(name.strip_prefix("torch/")?));
    }
    let keep = if cuda_build {
        let stub =
            name.starts_with("nvidia/") && CUDA_STUBS.iter().any(|(_, library)| file == *library);
        stub || (name.strip_prefix("torch/lib/") == Some(file) && CPU_LIBRARIES.contains(&file))
    } else {
        // Wheels without CUDA are taken as they are, with the libraries their builder put beside.
        let folders = ["torch/lib/", "torch.libs/", "torch/.dylibs/"];
        folders
            .iter()
            .any(|folder| name.strip_prefix(folder) == Some(file))
            && !file.starts_with("libtorch_python")
    };
    keep.then(|| Path::new("lib").join(file))
}

/// The SHA-256 of each file by the lines `path,sha256=HASH,size` of a RECORD.
fn record_hashes(record: &str) -> HashMap<String, String> {
    record
        .lines()
        .filter_map(|line| {
            let mut fields = line.rsplitn(3, ',');
            let (_size, hash, path) = (fields.next()?, fields.next()?, fields.next()?);
            let path = path.trim_matches('"').to_owned();
            Some((path, hash.strip_prefix("sha256=")?.to_owned()))
        })
        .collect()
}

/// The folder of an installed PyTorch, asked of the Python that torch-sys would ask, without the seconds of importing it.
pub fn pytorch() -> Option<PathBuf> {
    let python = if env::var_os("VIRTUAL_ENV").is_some() {
        "python"
    } else {
        "python3"
    };
    let script = "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')";
    let output = Command::new(python).args(["-c", script]).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    let folder = PathBuf::from(folder.trim());
    folder.is_absolute().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: Host = Host {
        os: "linux",
        arch: "x86_64",
    };
    const ARM: Host = Host {
        os: "linux",
        arch: "aarch64",
    };
    const MAC: Host = Host {
        os: "macos",
        arch: "aarch64",
    };

    #[test]
    fn only_linux_x86_64_needs_the_cuda_stubs() {
        let linux = plan(&LINUX).unwrap();
        assert_eq!(
            linux.requirements,
            [
                "torch==2.13.0",
                "nvidia-cuda-runtime==13.*",
                "nvidia-cuda-cupti==13.*"
            ]
        );
        for host in [ARM, MAC] {
            assert_eq!(plan(&host).unwrap().requirements, ["torch==2.13.0"]);
        }
        let intel_mac = Host {
            os: "macos",
            arch: "x86_64",
        };
        let error = plan(&intel_mac).err().unwrap().to_string();
        assert!(error.contains("macos x86_64"), "{error}");
    }

    #[test]
    fn the_cuda_build_is_cut_down_to_its_cpu_part() {
        let at = |name: &str| place(name, true).map(|path| path.display().to_string());
        assert_eq!(
            at("torch/lib/libtorch_cpu.so").as_deref(),
            Some("lib/libtorch_cpu.so")
        );
        assert_eq!(
            at("torch/include/torch/script.h").as_deref(),
            Some("include/torch/script.h")
        );
        assert_eq!(
            at("nvidia/cu13/lib/libcudart.so.13").as_deref(),
            Some("lib/libcudart.so.13")
        );
        for left_out in [
            "torch/lib/libtorch_cuda.so",
            "torch/lib/libtorch_python.so",
            "torch/lib/deeper/libc10.so",
            "torch/__init__.py",
            "nvidia/cu13/include/cupti.h",
        ] {
            assert_eq!(at(left_out), None, "{left_out}");
        }
    }

    #[test]
    fn a_cpu_build_is_kept_but_for_its_python_part() {
        let at = |name: &str| place(name, false).map(|path| path.display().to_string());
        assert_eq!(
            at("torch/lib/libtorch_cpu.dylib").as_deref(),
            Some("lib/libtorch_cpu.dylib")
        );
        assert_eq!(
            at("torch/lib/libomp.dylib").as_deref(),
            Some("lib/libomp.dylib")
        );
        assert_eq!(
            at("torch.libs/libopenblas.so.0").as_deref(),
            Some("lib/libopenblas.so.0")
        );
        assert_eq!(at("torch/lib/libtorch_python.dylib"), None);
        assert_eq!(at("torch/nn/modules/rnn.py"), None);
    }

    #[test]
    fn record_lines_give_hashes() {
        let hashes =
            record_hashes("a/b.so,sha256=AbC-_1,12\n\"x,y.h\",sha256=ZZ,3\na.dist-info/RECORD,,\n");
        assert_eq!(hashes["a/b.so"], "AbC-_1");
        assert_eq!(hashes["x,y.h"], "ZZ");
        assert_eq!(hashes.len(), 2);
    }
}
