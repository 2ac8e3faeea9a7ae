//! Writes statistics of every recording under a folder as one CSV table, on all cores: a row for each file,
//! a named column for each value.
//!
//! `cargo run --release -p ser-features --example functionals -- recordings/ functionals.csv`

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::sync::mpsc;

use anyhow::{Result, bail};
use ser_features::{Extra, FeatureConfig, FeatureExtractor, Output, extract_files};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, table] = &args[..] else {
        bail!("usage: functionals FOLDER OUT.csv");
    };
    let paths: Vec<PathBuf> = ser_audio::recordings(folder.as_ref()).collect::<Result<_, _>>()?;

    let config = FeatureConfig {
        output: Output::Functionals,
        // Extras about the voice, in addition to the spectrum.
        extras: Extra::VOICE.to_vec(),
        ..FeatureConfig::default()
    };
    let extractor = FeatureExtractor::new(&config)?;

    // Results come from several threads in any order; the table has the order of the files.
    let (send, receive) = mpsc::channel();
    extract_files(&extractor, &paths, |file, result| {
        // The receiver lives longer than this call, so sending cannot fail.
        let _ = send.send((file, result));
    });
    drop(send);
    let mut results: Vec<_> = receive.iter().collect();
    results.sort_by_key(|(file, _)| *file);

    let mut rows = Vec::new();
    for (file, result) in results {
        match result {
            Ok(features) => rows.push((&paths[file], features)),
            Err(error) => eprintln!("skipped: {error}"),
        }
    }
    ser_files::write(table.as_ref(), |file| {
        let mut csv = csv::Writer::from_writer(file);
        let names = config.coefficient_names();
        csv.write_record([&"file".to_owned()].into_iter().chain(&names))?;
        for (path, features) in &rows {
            let values = features.row(0).iter().map(f32::to_string);
            csv.write_record([path.display().to_string()].into_iter().chain(values))?;
        }
        csv.flush()
    })?;

    println!("{table}: {} of {} files", rows.len(), paths.len());
    if rows.len() < paths.len() {
        bail!("{} files could not be used", paths.len() - rows.len());
    }
    Ok(())
}
