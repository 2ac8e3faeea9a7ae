//! `cargo xtask bench --check` and `--save`: compare the instructions of the hot paths with committed counts.
//!
//! Times on shared machines vary by tens of percent, instruction counts by less than one percent. The callgrind tool of valgrind
//! counts them for two numbers of calls. The difference is the cost of the calls, without the start of the program.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ser_files::write_file;
use serde_json::{Value, json};

use crate::command;

/// Number of calls that are counted together.
const CALLS: u64 = 5;

/// From this many instructions on, those of the first call and its preparation, the first call is counted, and no other: what only a
/// first call does is a small part of it, and valgrind computes the fused multiply-adds of networks so slowly that a call takes
/// half a minute.
const MANY: u64 = 300_000_000;

/// Largest change in percent that is accepted. On one machine the counts repeat to six digits; another processor may take other
/// paths through the C library.
const MARGIN: f64 = 3.0;

/// Instructions per call, by path.
type Counts = BTreeMap<String, u64>;

/// Compares the counts with the committed ones, and fails if a path takes more instructions, beyond the margin.
pub fn check(root: &Path) -> Result<()> {
    if !is_comparable() {
        println!(
            "skipped: the committed instruction counts are those of x86-64 with AVX2 and FMA, which this machine lacks"
        );
        return Ok(());
    }
    let file = baseline_file(root);
    let (rustc, before) = read(&file)?;
    let now = count_all(root)?;
    println!("instructions per call, margin {MARGIN} %");
    println!(
        "{:<42}{:>14}{:>14}{:>9}",
        "path", "committed", "now", "change"
    );
    let (mut slower, mut faster) = (Vec::new(), false);
    for (path, &count) in &now {
        let Some(&committed) = before.get(path) else {
            bail!("{path} has no committed count: run `cargo xtask bench --save`");
        };
        let change = 100.0 * (count as f64 / committed as f64 - 1.0);
        println!("{path:<42}{committed:>14}{count:>14}{change:>+8.2} %");
        if change > MARGIN {
            slower.push(path.as_str());
        }
        faster |= change < -MARGIN;
    }
    if let Some(gone) = before.keys().find(|path| !now.contains_key(*path)) {
        bail!("{gone} is no longer counted: run `cargo xtask bench --save`");
    }
    let ours = command::rustc_version(root)?;
    if !slower.is_empty() {
        let hint = if ours == rustc {
            String::new()
        } else {
            format!(" (counted with {rustc}, now {ours}: the compiler may be the reason)")
        };
        bail!(
            "slower than committed: {}{hint}. If that is intended, run `cargo xtask bench --save` and say why in the commit",
            slower.join(", ")
        );
    }
    if faster {
        println!("faster than committed: `cargo xtask bench --save` records the gain");
    }
    Ok(())
}

/// Counts the instructions, and writes the file that `check` compares with.
pub fn save(root: &Path) -> Result<()> {
    ensure!(
        is_comparable(),
        "the committed counts are those of x86-64 with AVX2 and FMA, which this machine lacks"
    );
    let counts = count_all(root)?;
    let text = serde_json::to_string_pretty(&json!({
        "rustc": command::rustc_version(root)?,
        "instructions": counts,
    }))?;
    let file = baseline_file(root);
    write_file(&file, text + "\n")?;
    println!("{} paths written to {}", counts.len(), file.display());
    Ok(())
}

fn baseline_file(root: &Path) -> PathBuf {
    root.join("benches/instructions.json")
}

fn read(file: &Path) -> Result<(String, Counts)> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let value: Value = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    let counts = value["instructions"].as_object().into_iter().flatten();
    let counts = counts.filter_map(|(path, count)| Some((path.clone(), count.as_u64()?)));
    let rustc = value["rustc"].as_str().unwrap_or("an unknown rustc");
    Ok((rustc.to_owned(), counts.collect()))
}

/// Whether this machine runs the same code as the committed counts: x86-64 with AVX2 and FMA.
fn is_comparable() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

fn count_all(root: &Path) -> Result<Counts> {
    if command::output(Command::new("valgrind").arg("--version")).is_err() {
        bail!(
            "valgrind, which counts the instructions, is missing: install it (Debian: apt-get install valgrind)"
        );
    }
    let package = ["--package=ser-benches", "--bin=hot_paths"];
    let programs = command::build(root, &package)?;
    let program = programs.path("hot_paths")?;
    let paths = command::output(&mut Command::new(program))?;
    let count = |path: &str| -> Result<u64> {
        let once = count(program, path, 1)?;
        if once < MANY {
            per_call(path, once, count(program, path, 1 + CALLS)?, CALLS)
        } else {
            per_call(path, count(program, path, 0)?, once, 1)
        }
    };
    // Other work on the machine adds time but no instructions, so as many paths are counted at once as there are cores.
    let rest = Mutex::new(paths.lines());
    let next = || rest.lock().unwrap_or_else(PoisonError::into_inner).next();
    let count_some = || -> Result<Counts> {
        std::iter::from_fn(next)
            .map(|path| Ok((path.to_owned(), count(path)?)))
            .collect()
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(count_some)).collect();
        let mut counts = Counts::new();
        for thread in threads {
            let counted = thread.join().map_err(|_| anyhow!("counting panicked"))?;
            counts.extend(counted?);
        }
        Ok(counts)
    })
}

/// Returns the instructions of one call, from those of the whole program with some calls and with `calls` more.
fn per_call(path: &str, few: u64, more: u64, calls: u64) -> Result<u64> {
    // No count at all would pass for a gain.
    ensure!(
        more >= few + calls,
        "{path}: {calls} more calls take no more instructions ({few} and {more}): the compiler may have removed its work"
    );
    Ok((more - few) / calls)
}

/// Counts the instructions of the whole program when it runs `path` `calls` times.
fn count(program: &Path, path: &str, calls: u64) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([path, &calls.to_string()]);
    let output = valgrind.output().context("starting valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    match collected.and_then(|(_, number)| number.trim().parse().ok()) {
        Some(number) if output.status.success() => Ok(number),
        _ => bail!(
            "`{}` failed ({}): {said}",
            command::line(&valgrind),
            output.status
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_without_instructions_are_no_gain() {
        assert_eq!(per_call("F0", 1_000, 1_035, 5).unwrap(), 7);
        for more in [1_000, 1_001, 900] {
            let error = per_call("F0", 1_000, more, 5).unwrap_err().to_string();
            assert!(error.starts_with("F0: "), "{error}");
        }
    }
}
