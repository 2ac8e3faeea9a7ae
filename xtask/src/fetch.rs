//! Downloads with a progress bar.

use std::path::Path;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use ser_download::{Progress, Source};

/// Downloads a file as [`ser_download::fetch`] does, with a progress bar. Returns the number of bytes received.
pub fn fetch(source: &Source, dest: &Path) -> Result<u64> {
    let style = ProgressStyle::with_template(
        "  {bytes:>10} of {total_bytes} {wide_bar} {bytes_per_sec}, {eta} left",
    )
    .context("progress bar template")?;
    let bar = ProgressBar::no_length().with_style(style);
    let received = ser_download::fetch(source, dest, &mut |progress| match progress {
        Progress::Bytes { have, of } => {
            if let Some(of) = of {
                bar.set_length(of);
            }
            bar.set_position(have);
        }
        Progress::Waiting(wait) => {
            let seconds = wait.as_secs();
            bar.suspend(|| println!("  the server asks to wait {seconds} seconds"));
        }
    });
    bar.finish_and_clear();
    Ok(received?)
}
