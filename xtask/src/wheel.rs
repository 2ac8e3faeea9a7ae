//! Installs libtorch from the PyTorch wheel, which works wherever Python packages can be installed.
//!
//! pip finds, downloads and verifies the wheels. This module unpacks the headers and the CPU libraries, and checks each file against
//! the SHA-256 in the RECORD of the wheel. Nothing is installed into Python.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ser_download::{Archive, Entry, Limits, feed, lacked_room};
use ser_files::remove_folder;
use sha2::{Digest, Sha256};

use crate::libtorch::{Host, VERSION};

/// The requirements and files of two CUDA libraries. The Linux wheels are CUDA builds, and `libtorch_cpu.so` names these two
/// libraries, each of which has a wheel of its own.
const CUDA_STUBS: [(&str, &str); 2] = [
    ("nvidia-cuda-runtime==13.*", "libcudart.so.13"),
    ("nvidia-cuda-cupti==13.*", "libcupti.so.13"),
];

/// The wheels to download, and how.
struct Plan {
    requirements: Vec<String>,
    /// Platform tags to give to pip if it finds nothing for the Python that runs it.
    platforms: Vec<String>,
    /// The processor, as the names of wheels end.
    processor: &'static str,
}

fn plan(host: &Host) -> Result<Plan> {
    let mut requirements = vec![format!("torch=={VERSION}")];
    let (platforms, processor) = match (host.os, host.arch) {
        ("linux", "x86_64" | "aarch64") => {
            requirements.extend(CUDA_STUBS.map(|(requirement, _)| requirement.to_owned()));
            let tags = [
                "manylinux_2_28",
                "manylinux_2_25",
                "manylinux_2_17",
                "manylinux2014",
            ];
            let tags = tags.map(|tag| format!("{tag}_{}", host.arch));
            (tags.to_vec(), host.arch)
        }
        ("macos", "aarch64") => (vec!["macosx_14_0_arm64".to_owned()], "arm64"),
        (os, arch) => bail!("no PyTorch {VERSION} wheel is published for {os} {arch}"),
    };
    Ok(Plan {
        requirements,
        platforms,
        processor,
    })
}

/// Downloads the wheels and unpacks libtorch into `staging`. Returns the number of bytes downloaded.
pub fn install(host: &Host, downloads: &Path, staging: &Path) -> Result<u64> {
    let plan = plan(host)?;
    let pip = find_pip()?;
    let mut fetched = 0;
    let mut wheels = Vec::new();
    for requirement in &plan.requirements {
        let (wheel, bytes) = download(&pip, requirement, &plan, downloads)?;
        fetched += bytes;
        wheels.push(wheel);
    }
    for wheel in &wheels {
        if let Err(error) = unpack(wheel, staging) {
            // The wheel is damaged in a way that pip did not notice, so the next run must not use it again.
            if !lacked_room(error.as_ref()) {
                fs::remove_file(wheel)?;
            }
            return Err(error);
        }
    }
    Ok(fetched)
}

/// Downloads one wheel, or finds it from an earlier run. Returns its path and the number of bytes downloaded now.
fn download(
    pip: &[&str],
    requirement: &str,
    plan: &Plan,
    downloads: &Path,
) -> Result<(PathBuf, u64)> {
    if let Some(wheel) = find_wheel(downloads, requirement, plan.processor) {
        println!("  {requirement}: downloaded by an earlier run");
        return Ok((wheel, 0));
    }
    println!("  {requirement}: {} download", pip.join(" "));
    let incoming = downloads.join("incoming");
    let native: Vec<String> = Vec::new();
    // pip on an old or a very new Python finds no wheel for that Python, but only the parts that are not Python are needed.
    let mut foreign: Vec<String> = [
        "--only-binary=:all:",
        "--python-version=3.12",
        "--implementation=cp",
    ]
    .map(str::to_owned)
    .to_vec();
    foreign.extend(
        plan.platforms
            .iter()
            .map(|platform| format!("--platform={platform}")),
    );

    let mut reasons = Vec::new();
    for options in [native, foreign] {
        remove_folder(&incoming)?;
        let temporary = incoming.join("tmp");
        fs::create_dir_all(&temporary)
            .with_context(|| format!("creating {}", temporary.display()))?;
        match run_pip(pip, requirement, &options, &incoming) {
            Ok(()) => {
                let wheel = find_wheel(&incoming, requirement, plan.processor);
                let wheel = wheel.with_context(|| {
                    format!(
                        "pip left no wheel of {requirement} for {} in {}",
                        plan.processor,
                        incoming.display()
                    )
                })?;
                let target = downloads.join(wheel.file_name().unwrap_or_default());
                fs::rename(&wheel, &target)
                    .with_context(|| format!("writing {}", target.display()))?;
                remove_folder(&incoming)?;
                let bytes = fs::metadata(&target)?.len();
                return Ok((target, bytes));
            }
            Err(error) => reasons.push(format!("{error:#}")),
        }
    }
    remove_folder(&incoming)?;
    bail!(
        "pip cannot download {requirement}: {}",
        reasons.join("; with the platform named: ")
    );
}

fn run_pip(pip: &[&str], requirement: &str, options: &[String], incoming: &Path) -> Result<()> {
    let mut command = Command::new(pip[0]);
    command
        .args(&pip[1..])
        // A second copy of the wheel in pip's cache would waste 527 MB.
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
        // The default folder for temporary files may be a small RAM disk.
        .env("TMPDIR", incoming.join("tmp"))
        // Supported by pip 25.1 and later, and ignored by older versions.
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

/// Returns the pip to use: that of python3, or a separate pip3.
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

/// Returns the wheel in a folder that satisfies a requirement, such as `torch==2.13.0` or `nvidia-cuda-cupti==13.*`. The folder may hold
/// wheels that an interrupted install of another version left there.
fn find_wheel(folder: &Path, requirement: &str, processor: &str) -> Option<PathBuf> {
    let (package, wanted) = requirement.split_once("==")?;
    let (package, ending) = (package.replace('-', "_"), format!("_{processor}.whl"));
    // A wheel is called NAME-VERSION-PYTHON-ABI-PLATFORM.whl, and a version may have a local part: 2.13.0+cpu.
    let is_wanted = |name: &str| {
        let mut parts = name.split('-');
        let is_package = parts.next() == Some(&package);
        let version = parts.next().and_then(|version| version.split('+').next());
        let is_version = version.is_some_and(|version| match wanted.strip_suffix('*') {
            Some(begin) => version.starts_with(begin),
            None => version == wanted,
        });
        is_package && is_version && name.ends_with(&ending)
    };
    fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| is_wanted(&path.file_name().unwrap_or_default().to_string_lossy()))
}

/// Unpacks what a build needs from one wheel, and checks it against the wheel's RECORD.
fn unpack(wheel: &Path, staging: &Path) -> Result<()> {
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
    let written = archive.unpack(staging, |entry: &Entry| place(&entry.name))?;
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
        feed(path, |bytes| hash.update(bytes))?;
        let actual = URL_SAFE_NO_PAD.encode(hash.finalize());
        ensure!(
            actual == *expected,
            "`{name}` of {} has SHA-256 {actual}, RECORD says {expected}",
            wheel.display()
        );
    }
    Ok(())
}

/// Returns the path of a file of a wheel in the install, or `None` for the parts that only Python or a GPU needs.
///
/// Above all, `libtorch_cuda.so` must be left out, because torch-sys links CUDA if that file exists.
fn place(name: &str) -> Option<PathBuf> {
    if name.starts_with("torch/include/") {
        return Some(PathBuf::from(name.strip_prefix("torch/")?));
    }
    let (folder, file) = name.rsplit_once('/')?;
    let foreign = ["cuda", "nvrtc", "nvshmem", "torch_python"];
    let keep = match folder {
        "torch/lib" => !foreign.iter().any(|part| file.contains(part)),
        _ => folder.starts_with("nvidia/") && CUDA_STUBS.iter().any(|(_, stub)| file == *stub),
    };
    keep.then(|| Path::new("lib").join(file))
}

/// Parses the SHA-256 of each file from the lines `path,sha256=HASH,size` of a RECORD.
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

/// Returns the folder of an installed PyTorch. It asks the same Python as torch-sys, but does not import torch, which takes seconds.
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

    #[test]
    fn linux_needs_the_cuda_stubs_and_macos_does_not() {
        for arch in ["x86_64", "aarch64"] {
            let linux = plan(&Host { os: "linux", arch }).unwrap();
            let stubs = ["nvidia-cuda-runtime==13.*", "nvidia-cuda-cupti==13.*"];
            assert_eq!(linux.requirements[0], "torch==2.13.0");
            assert_eq!(linux.requirements[1..], stubs);
            assert!(linux.platforms.iter().all(|tag| tag.ends_with(arch)));
            assert_eq!(linux.processor, arch);
        }
        let mac = plan(&Host {
            os: "macos",
            arch: "aarch64",
        })
        .unwrap();
        assert_eq!(mac.requirements, ["torch==2.13.0"]);
        assert_eq!(mac.processor, "arm64");
        let intel_mac = Host {
            os: "macos",
            arch: "x86_64",
        };
        let error = plan(&intel_mac).err().unwrap().to_string();
        assert!(error.contains("macos x86_64"), "{error}");
    }

    /// The files under `torch/lib` and `nvidia` of the published 2.13.0 wheels, by machine.
    #[test]
    fn the_cpu_part_of_each_published_wheel_is_kept() {
        let kept = |names: &[&'static str]| -> Vec<&'static str> {
            names
                .iter()
                .copied()
                .filter(|name| place(name).is_some())
                .collect()
        };
        let cpu_x86_64 = [
            "torch/lib/libc10.so",
            "torch/lib/libgomp.so.1",
            "torch/lib/libshm.so",
            "torch/lib/libtorch.so",
            "torch/lib/libtorch_cpu.so",
            "torch/lib/libtorch_global_deps.so",
            "nvidia/cu13/lib/libcudart.so.13",
            "nvidia/cu13/lib/libcupti.so.13",
        ];
        let cpu_aarch64 = [
            "torch/lib/libarm_compute.so",
            "torch/lib/libarm_compute_graph.so",
            "torch/lib/libgfortran.so.5",
            "torch/lib/libnvpl_blas_core.so.0",
            "torch/lib/libnvpl_lapack_lp64_gomp.so.0",
        ];
        let cpu_macos = ["torch/lib/libomp.dylib", "torch/lib/libtorch_cpu.dylib"];
        for names in [&cpu_x86_64[..], &cpu_aarch64, &cpu_macos] {
            assert_eq!(kept(names), names);
        }
        let left_out = [
            "torch/lib/libc10_cuda.so",
            "torch/lib/libcaffe2_nvrtc.so",
            "torch/lib/libtorch_cuda.so",
            "torch/lib/libtorch_cuda_linalg.so",
            "torch/lib/libtorch_nvshmem.so",
            "torch/lib/libtorch_python.so",
            "torch/lib/libtorch_python.dylib",
            "torch/lib/libshm/libshm.h",
            "torch/nn/modules/rnn.py",
            "nvidia/cu13/lib/libcheckpoint.so",
            "nvidia/cu13/include/cupti.h",
        ];
        assert_eq!(kept(&left_out), [""; 0]);
        let header = place("torch/include/torch/script.h");
        assert_eq!(header, Some(PathBuf::from("include/torch/script.h")));
    }

    #[test]
    fn a_wheel_of_another_version_or_processor_is_not_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        let find = |requirement: &str, processor: &str| {
            let found = find_wheel(folder.path(), requirement, processor)?;
            Some(found.file_name()?.to_str()?.to_owned())
        };
        let touch = |name: &str| fs::write(folder.path().join(name), "").unwrap();
        for left in [
            "torch-2.12.0-cp312-cp312-manylinux_2_28_x86_64.whl",
            "torch-2.13.0-cp312-cp312-manylinux_2_28_aarch64.whl",
            "torch-2.13.0.1-cp312-cp312-manylinux_2_28_x86_64.whl",
            "torch-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl.part",
            "torchaudio-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl",
            "nvidia_cuda_cupti-12.9.79-py3-none-manylinux_2_25_x86_64.whl",
        ] {
            touch(left);
        }
        assert_eq!(find("torch==2.13.0", "x86_64"), None);
        assert_eq!(find("nvidia-cuda-cupti==13.*", "x86_64"), None);
        let torch = "torch-2.13.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl";
        let cupti = "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl";
        touch(torch);
        touch(cupti);
        assert_eq!(find("torch==2.13.0", "x86_64").as_deref(), Some(torch));
        let found = find("nvidia-cuda-cupti==13.*", "x86_64");
        assert_eq!(found.as_deref(), Some(cupti));
    }

    #[test]
    fn record_lines_give_hashes() {
        let hashes =
            record_hashes("a/b.so,sha256=AbC-_1,12\n\"x,y.h\",sha256=ZZ,3\na.dist-info/RECORD,,\n");
        assert_eq!(hashes["a/b.so"], "AbC-_1");
        assert_eq!(hashes["x,y.h"], "ZZ");
        assert_eq!(hashes.len(), 2);
    }

    /// Makes a wheel of the given files. Its `RECORD` has the true hashes, unless it is one of the given files.
    fn wheel(folder: &Path, files: &[(&str, &str)]) -> PathBuf {
        use std::io::Write;
        let path = folder.join("torch-2.13.0.whl");
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        let mut record = String::new();
        for (name, text) in files {
            zip.start_file(*name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(text.as_bytes()).unwrap();
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(text));
            record += &format!("{name},sha256={hash},{}\n", text.len());
        }
        if !files.iter().any(|(name, _)| name.ends_with("RECORD")) {
            zip.start_file(
                "torch-2.13.0.dist-info/RECORD",
                zip::write::SimpleFileOptions::default(),
            )
            .unwrap();
            zip.write_all(record.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    #[test]
    fn a_wheel_gives_the_files_its_record_vouches_for() {
        let folder = tempfile::tempdir().unwrap();
        let staging = folder.path().join("staging");
        let files = [("torch/lib/libc10.so", "library"), ("torch/x.py", "python")];
        unpack(&wheel(folder.path(), &files), &staging).unwrap();
        let library = fs::read_to_string(staging.join("lib/libc10.so")).unwrap();
        assert_eq!(library, "library");
        assert_eq!(fs::read_dir(&staging).unwrap().count(), 1);
    }

    #[test]
    fn a_wheel_that_does_not_fit_its_record_is_refused_by_name() {
        let library = ("torch/lib/libc10.so", "library");
        let record = "torch-2.13.0.dist-info/RECORD";
        for (files, reason) in [
            (
                vec![library, (record, "torch/lib/libc10.so,sha256=AAAA,7\n")],
                "RECORD says AAAA",
            ),
            (
                vec![library, (record, "torch/lib/libc10.so,md5=AAAA,7\n")],
                "gives no SHA-256 for `torch/lib/libc10.so`",
            ),
            (vec![library, ("other/RECORD", "")], "has no RECORD"),
            (vec![("torch/x.py", "python")], "holds nothing of libtorch"),
            (
                vec![library, ("TORCH/lib/libc10.so", "other")],
                "\"TORCH/lib/libc10.so\"",
            ),
            (
                // Both would be lib/libcudart.so.13.
                vec![
                    ("nvidia/a/libcudart.so.13", "one"),
                    ("nvidia/b/libcudart.so.13", "two"),
                ],
                "\"nvidia/b/libcudart.so.13\"",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = wheel(folder.path(), &files);
            let error = unpack(&path, &folder.path().join("staging")).unwrap_err();
            assert!(format!("{error:#}").contains(reason), "{error:#}");
        }
    }
}
