//! Times the `ser` program with its built-in model: on one clip from start to end, on an hour of clips one after another, and on a
//! folder of clips.
//!
//! `answers SER DIR` prints one JSON object per line. SER may be the program of another commit, to compare with. Start this program
//! directly: processes that `cargo run` has started before would count as memory of SER.
#![allow(clippy::print_stdout, reason = "printing these lines is its purpose")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use ser_benches::{Cost, cost, json_line, median, most_memory, wav_files, write_samples};

/// Number of timed starts on one clip, after one that fills the page cache.
const STARTS: usize = 9;
/// Seconds in an hour.
const HOUR: usize = 3600;

fn main() -> Result<()> {
    let args: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [ser, folder] = args.as_slice() else {
        bail!("usage: answers SER DIR");
    };
    let clips = wav_files(folder)?;

    // Linux reports the memory of the largest process so far, so the smallest job goes first.
    let one: Vec<Cost> = (0..=STARTS)
        .map(|_| cost(Command::new(ser).arg("predict").arg(&clips[0])))
        .collect::<Result<_>>()?;
    let of_starts = |value: fn(&Cost) -> f64| median(one[1..].iter().map(value).collect());
    let job = "predict with the built-in model, one clip, process start to end";
    print(job, "s", of_starts(|cost| cost.wall));
    print(job, "s of processor time", of_starts(|cost| cost.cpu));
    print(job, "MB at most", most_memory()?);

    let room = tempfile::tempdir()?;
    let hour = room.path().join("hour.wav");
    write_hour(&hour, &clips)?;
    let long = cost(Command::new(ser).arg("timeline").arg(&hour))?;
    let job = "timeline with the built-in model, clips for an hour";
    print(job, "s", long.wall);
    print(job, "s of processor time", long.cpu);
    print(job, "MB at most", most_memory()?);

    let all = cost(Command::new(ser).args(["predict", "--csv"]).arg(folder))?;
    let per_clip = |seconds: f64| 1e3 * seconds / clips.len() as f64;
    let job = "predict with the built-in model, a folder of clips";
    print(job, "ms/clip", per_clip(all.wall));
    print(job, "ms/clip of processor time", per_clip(all.cpu));
    Ok(())
}

/// Writes an hour of clips one after another; they repeat if there are too few.
fn write_hour(path: &Path, clips: &[PathBuf]) -> Result<()> {
    let rate = ser_audio::read(&clips[0])?.sample_rate;
    let mut failed = None;
    // The clips are read while the file is written, because Linux counts the memory of this process as that of the process it starts.
    let sounds = clips.iter().cycle().map_while(|clip| {
        let sound = ser_audio::read(clip);
        sound.map_err(|error| failed = Some(error)).ok()
    });
    let samples = sounds.flat_map(|sound| sound.samples);
    write_samples(path, rate, samples.take(HOUR * rate as usize));
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Prints a figure. The program uses as many threads as there are cores.
fn print(job: &str, unit: &str, value: f64) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{}", json_line(job, "ser", threads, unit, value));
}
