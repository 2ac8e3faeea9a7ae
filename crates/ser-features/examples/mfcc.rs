//! Writes the MFCC of a recording as an array for NumPy, in librosa's layout. The settings are librosa's defaults,
//! except that there are 40 coefficients instead of 20.
//!
//! `cargo run -p ser-features --example mfcc -- speech.wav speech.npy`

#![allow(clippy::print_stdout)]

use anyhow::{Result, bail};
use ser_features::{FeatureConfig, FeatureExtractor, write_npy};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [speech, array] = &args[..] else {
        bail!("usage: mfcc SPEECH.wav OUT.npy");
    };

    // 40 coefficients at 22 050 Hz, with frames of 2048 samples and a hop length of 512 samples.
    let config = FeatureConfig::default();
    let features = FeatureExtractor::new(&config)?.extract_file(speech.as_ref())?;
    write_npy(array, &features)?;

    let (frames, coefficients) = (features.frames(), features.coefficients());
    println!("{array}: [{coefficients}, {frames}]; the mean of each over time:");
    for (number, name) in config.coefficient_names().iter().enumerate() {
        let values = (0..frames).map(|frame| f64::from(features.row(frame)[number]));
        println!("{name:>8} {:>8.2}", values.sum::<f64>() / frames as f64);
    }
    Ok(())
}
