//! Measures the time and memory of other programs.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// The time of a run of a program, in seconds.
pub struct Cost {
    /// Wall time from start to end.
    pub wall: f64,
    /// Processor time.
    pub cpu: f64,
}

/// Runs a program without its output, and measures its time.
///
/// # Errors
/// The program cannot be started, or fails.
pub fn cost(program: &mut Command) -> Result<Cost> {
    let before = children()?;
    let start = Instant::now();
    let status = program.stdout(Stdio::null()).status()?;
    let wall = start.elapsed().as_secs_f64();
    ensure!(status.success(), "{program:?} failed");
    let seconds = |usage: &Usage| {
        let time = usage.user_time() + usage.system_time();
        time.num_microseconds() as f64 / 1e6
    };
    Ok(Cost {
        wall,
        cpu: seconds(&children()?) - seconds(&before),
    })
}

/// Returns the resource usage of all programs that this one has started and waited for.
fn children() -> Result<Usage> {
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN)?)
}

/// Returns the peak memory, in MB, of the largest of the programs that this one has started and waited for. On Linux a program begins
/// with the peak of the one that started it, so this one must stay smaller.
///
/// # Errors
/// The system does not report it.
pub fn most_memory() -> Result<f64> {
    // macOS counts in bytes, other systems in KiB.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Ok((children()?.max_rss() * unit) as f64 / f64::from(1 << 20))
}
