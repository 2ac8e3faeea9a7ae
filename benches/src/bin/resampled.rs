//! Writes the samples of a WAV file at another rate as a NumPy array: `resampled FILE RATE OUT.npy`.
//!
//! `ser extract` shows every stage except this one, and `benches/peers/parity.py` compares it too.

use std::env;

use anyhow::{Result, bail};
use ser_features::{Features, write_npy};

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [file, rate, out] = args.as_slice() else {
        bail!("usage: resampled FILE RATE OUT.npy");
    };
    let samples = ser_audio::read(file)?.resample(rate.parse()?)?.samples;
    let length = samples.len();
    write_npy(out, &Features::from_parts(samples, length, 1)?)?;
    Ok(())
}
