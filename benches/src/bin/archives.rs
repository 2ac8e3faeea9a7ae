//! Answers an archive in shards whose processes are killed, and measures what an archive costs.
//!
//! `archives make DIR COUNT` writes recordings and their manifest, `manifest.csv`: most are WAV, others are FLAC, Opus, stereo,
//! silent, cut off, or no recordings at all. `archives kill SER DIR KILLS` answers DIR in one process, and then in KILLS shards,
//! each of which is killed at a random moment and started again. It fails unless each row is there once and agrees with the one
//! process. `archives time SER DIR` prints the time per recording and the peak memory of the process, one JSON object per line.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing these lines is its purpose"
)]

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use ser_benches::{Cost, cost, json_line, most_memory};
use ser_fixtures::{flac, opus, voice, write_interleaved, write_wav};

const RATE: u32 = 16_000;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["make", folder, count] => make(Path::new(folder), count.parse()?),
        ["kill", ser, folder, kills] => kill(ser, Path::new(folder), kills.parse()?),
        ["time", ser, folder] => time(ser, Path::new(folder)),
        _ => bail!("usage: archives make DIR COUNT | kill SER DIR KILLS | time SER DIR"),
    }
}

fn make(folder: &Path, count: usize) -> Result<()> {
    fs::create_dir_all(folder)?;
    let names: Vec<String> = (0..count)
        .into_par_iter()
        .map(|number| write_recording(folder, number))
        .collect::<Result<_>>()?;
    fs::write(manifest(folder), format!("path\n{}\n", names.join("\n")))?;
    Ok(())
}

fn manifest(folder: &Path) -> PathBuf {
    folder.join("manifest.csv")
}

/// Writes a recording of 0.5 to 1.2 s, and returns its file name. Each number gives a different recording.
fn write_recording(folder: &Path, number: usize) -> Result<String> {
    let seconds = 0.5 + (number % 8) as f64 / 10.0;
    let pitch = 90.0 + (number % 151) as f64;
    let pcm = || -> Vec<i16> {
        let samples = voice(RATE, seconds, pitch).into_iter();
        samples.map(|x| (x * 32_767.0) as i16).collect()
    };
    let kind = number % 20;
    let extension = match kind {
        0 | 1 | 6 => "flac",
        2 => "opus",
        7 => "mp3",
        _ => "wav",
    };
    let name = format!("{number:06}.{extension}");
    let path = folder.join(&name);
    match kind {
        0 | 1 => fs::write(&path, flac(RATE, &pcm()))?,
        2 => fs::write(&path, opus(&voice(48_000, seconds, pitch), 24_000))?,
        3 => write_wav(&path, RATE, vec![0; 8_000]),
        4 => write_interleaved(&path, RATE, 2, pcm().into_iter().flat_map(|x| [x, -x])),
        5 => {
            write_wav(&path, RATE, pcm());
            let file = File::options().write(true).open(&path)?;
            let tenth = file.metadata()?.len() / 10;
            file.set_len(20 + tenth * (number as u64 / 20 % 10))?;
        }
        6 => {
            let mut damaged = flac(RATE, &pcm());
            let mut rng = ChaCha8Rng::seed_from_u64(number as u64);
            for _ in 0..20 {
                let place = rng.random_range(0..damaged.len());
                damaged[place] = rng.random();
            }
            fs::write(&path, damaged)?;
        }
        7 => fs::write(&path, "<!DOCTYPE html><title>404</title>")?,
        _ => write_wav(&path, RATE, pcm()),
    }
    Ok(name)
}

fn predict(ser: &str, folder: &Path, shard: &str, out: &Path) -> Command {
    let mut command = Command::new(ser);
    command.args(["predict", "--shard", shard, "--manifest"]);
    command.arg(manifest(folder)).arg("--out").arg(out);
    command.stdout(Stdio::null());
    command
}

fn finish(ser: &str, folder: &Path, shard: &str, out: &Path) -> Result<()> {
    let ended = predict(ser, folder, shard, out).status()?;
    ensure!(ended.success(), "shard {shard}: {ended}");
    Ok(())
}

/// Returns all rows of the shards in a folder, sorted.
fn rows(out: &Path) -> Result<Vec<String>> {
    let mut rows = Vec::new();
    for entry in fs::read_dir(out)? {
        let path = entry?.path();
        let is_shard = path.extension().is_some_and(|extension| extension == "csv")
            && path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"shard-"));
        if is_shard {
            let text = fs::read_to_string(&path)?;
            // No field of these rows contains a line break.
            rows.extend(text.lines().skip(1).map(str::to_owned));
        }
    }
    rows.sort_unstable();
    Ok(rows)
}

fn kill(ser: &str, folder: &Path, kills: usize) -> Result<()> {
    let temporary = tempfile::tempdir_in(folder)?;
    let (whole, out) = (temporary.path().join("whole"), temporary.path().join("out"));
    let began = Instant::now();
    finish(ser, folder, "0/1", &whole)?;
    let shard_takes = began.elapsed() / kills.max(1) as u32;
    let expected = rows(&whole)?;
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for number in 0..kills {
        let shard = format!("{number}/{kills}");
        let after = loop {
            let mut child = predict(ser, folder, &shard, &out).spawn()?;
            let after = shard_takes.mul_f64(rng.random_range(0.0..1.0));
            std::thread::sleep(after);
            child.kill()?;
            // A process without an exit code was killed before it ended.
            if child.wait()?.code().is_none() {
                break after;
            }
            let width = kills.to_string().len();
            fs::remove_file(out.join(format!("shard-{number:0width$}-of-{kills}.csv")))?;
        };
        ensure!(
            is_within(&rows(&out).unwrap_or_default(), &expected),
            "after the kill: a row differs from the one process"
        );
        finish(ser, folder, &shard, &out)?;
        let there = rows(&out)?;
        ensure!(
            is_within(&there, &expected),
            "after the restart: a row differs from the one process"
        );
        let (there, all) = (there.len(), expected.len());
        eprintln!("{shard}: killed after {after:.1?}, {there} rows of {all}");
    }
    ensure!(
        rows(&out)? == expected,
        "rows were lost, or are there twice"
    );
    println!(
        "{kills} shards killed before their end and begun again: {} rows, each as in one process",
        expected.len()
    );
    Ok(())
}

/// Whether the first sorted rows are a subset of the others, which are sorted too. A row counts as often as it occurs.
fn is_within(rows: &[String], others: &[String]) -> bool {
    let mut others = others.iter();
    rows.iter().all(|row| others.any(|other| other == row))
}

fn time(ser: &str, folder: &Path) -> Result<()> {
    let count = fs::read_to_string(manifest(folder))?.lines().count() - 1;
    let temporary = tempfile::tempdir_in(folder)?;
    let Cost { wall, cpu } = cost(&mut predict(ser, folder, "0/1", temporary.path()))?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let job = format!("archive of {count} recordings");
    let each = |seconds: f64| 1000.0 * seconds / count as f64;
    for (unit, value) in [
        ("ms/recording", each(wall)),
        ("ms of processor time/recording", each(cpu)),
        ("MB at most", most_memory()?),
    ] {
        println!("{}", json_line(&job, "ser", threads, unit, value));
    }
    Ok(())
}
