//! Writes a recording without what sounds in a stretch of time and a band of frequencies, such as a cough, a beep or
//! consonants. The background of the recording remains.
//!
//! `cargo run --release -p ser-audio --example take_out -- speech.wav without.wav 0.8 1.2 0 2000`

#![allow(clippy::print_stdout)]

mod wav;

use anyhow::{Context, Result, bail};
use ser_audio::Waveform;
use ser_audio::conditions::{Occlusion, Region};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [speech, out, from, to, low, high] = &args[..] else {
        bail!("usage: take_out SPEECH.wav OUT.wav FROM_SECONDS TO_SECONDS LOW_HZ HIGH_HZ");
    };
    let number = |text: &String| -> Result<f64> {
        text.parse()
            .with_context(|| format!("expected a number, found {text}"))
    };
    let region = Region {
        seconds: number(from)?..number(to)?,
        hertz: number(low)?..number(high)?,
    };

    let clip = ser_audio::read(speech)?;
    let without = Occlusion::new(&clip)?.without(&[region]);
    wav::write(out, &without)?;

    let energy = |sound: &Waveform| -> f64 {
        let squares = sound.samples.iter().map(|x| f64::from(x * x));
        squares.sum()
    };
    let left = 100.0 * energy(&without) / energy(&clip).max(f64::MIN_POSITIVE);
    println!("{out}: {left:.1} % of the energy is left");
    Ok(())
}
