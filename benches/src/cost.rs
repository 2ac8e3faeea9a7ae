//! What other programs cost.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// What a run of a program took, in seconds.
pub struct Cost {
    /// From start to end.
    pub wall: f64,
    /// Of processors.
    pub cpu: f64,
}

/// Runs a program without its output, and fails if it does.
///
/// # Errors
/// Those of the system, and that it failed.
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

/// What the programs used that this one has started and waited for.
fn children() -> Result<Usage> {
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN)?)
}

/// Of the largest of the programs that this one has started and waited for, in MB.
///
/// # Errors
/// The system's.
pub fn most_memory() -> Result<f64> {
    // Only macOS counts bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Ok((children()?.max_rss() * unit) as f64 / f64::from(1 << 20))
}
