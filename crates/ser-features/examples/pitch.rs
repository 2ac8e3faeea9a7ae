//! Writes the fundamental frequency and the level of a recording, a hundred times per second, as a CSV table.
//! Memory does not grow with the recording.
//!
//! `cargo run --release -p ser-features --example pitch -- interview.wav pitch.csv`

#![allow(clippy::print_stdout)]

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use ser_features::{Extra, FeatureConfig, FeatureExtractor};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [recording, table] = &args[..] else {
        bail!("usage: pitch RECORDING.wav OUT.csv");
    };
    let (recording, table) = (Path::new(recording), Path::new(table));

    let config = FeatureConfig {
        sample_rate: 16_000,
        n_fft: 400,
        hop_length: 160,
        n_mels: 40,
        n_mfcc: 1,
        // Without a limit relative to the loudest level of the whole signal, one pass over the file is enough.
        top_db: None,
        extras: vec![Extra::F0, Extra::Rms],
        ..FeatureConfig::default()
    };
    let extractor = FeatureExtractor::new(&config)?;
    let step = config.hop_length as f64 / f64::from(config.sample_rate);

    let (mut frames, mut voiced) = (0, 0);
    ser_files::write(table, |file| {
        writeln!(file, "seconds,f0_hz,level_db")?;
        let pieces = extractor.extract_file_in_pieces(recording, |first, rows| {
            for (number, row) in rows.chunks_exact(config.coefficients()).enumerate() {
                let [.., f0, rms] = *row else { continue };
                let seconds = (first + number) as f64 * step;
                let level = 20.0 * rms.max(1e-6).log10();
                // F0 is 0 in unvoiced frames, which get an empty cell.
                let f0 = if f0 > 0.0 {
                    format!("{f0:.1}")
                } else {
                    String::new()
                };
                frames += 1;
                voiced += usize::from(!f0.is_empty());
                writeln!(file, "{seconds:.2},{f0},{level:.1}")
                    .map_err(ser_files::Error::at(table))?;
            }
            Ok(())
        });
        pieces.map_err(io::Error::other)
    })
    .with_context(|| table.display().to_string())?;

    let share = 100.0 * voiced as f64 / f64::from(frames.max(1));
    println!("{}: {frames} frames, {share:.0} % voiced", table.display());
    Ok(())
}
