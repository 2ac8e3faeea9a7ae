//! Writes a recording as it sounds on the telephone, in a large room or in babble: a WAV file for each
//! condition.
//!
//! `cargo run --release -p ser-audio --example away_from_studio -- speech.wav heard/ telephone "room large"`

#![allow(clippy::print_stdout)]

mod wav;

use anyhow::{Result, bail};
use ser_audio::conditions::Condition;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [speech, folder, conditions @ ..] = &args[..] else {
        let known = Condition::STANDARD.map(|condition| condition.to_string());
        bail!(
            "usage: away_from_studio SPEECH.wav FOLDER [CONDITION ...], by default all of {}",
            known.join(", ")
        );
    };
    let mut chosen = Vec::new();
    for condition in conditions {
        chosen.push(condition.parse()?);
    }
    if chosen.is_empty() {
        chosen = Condition::STANDARD.to_vec();
    }

    let clip = ser_audio::read(speech)?;
    std::fs::create_dir_all(folder)?;
    for condition in chosen {
        // The same seed gives the same noise each time; another clip should have another one.
        let heard = condition.apply(&clip, 0)?;
        let path = format!("{folder}/{}.wav", condition.to_string().replace(' ', "_"));
        wav::write(&path, &heard)?;
        let (seconds, rate) = (heard.duration(), heard.sample_rate);
        println!("{path}: {seconds:.2} s at {rate} Hz");
    }
    Ok(())
}
