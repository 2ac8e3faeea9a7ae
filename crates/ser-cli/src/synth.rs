//! The command `ser synth`.

use anyhow::Result;
use ser_data::synth::{SynthConfig, generate};

use crate::Outcome;
use crate::args::SynthArgs;
use crate::output::{SYNTHETIC, progress};

pub fn run(args: &SynthArgs) -> Result<Outcome> {
    let config = SynthConfig {
        actors: args.actors,
        seed: args.seed,
        ..SynthConfig::default()
    };
    let bar = progress(
        usize::from(config.actors) * config.clips_per_actor,
        "synthesise",
    );
    let corpus = generate(&args.dir, &config, |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    println!("{} synthetic clips in {}", corpus.len(), args.dir.display());
    println!("{SYNTHETIC}");
    Ok(Outcome::Done)
}
