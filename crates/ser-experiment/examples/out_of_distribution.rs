//! Prints how many test clips the models of a cross-validation call out of distribution: as they were recorded, under the
//! recording conditions, and changed into sounds that are not ordinary speech.
//!
//! `cargo run --release -p ser-experiment --example out_of_distribution -- RUN DATA`

#![allow(clippy::print_stdout)]

use std::f32::consts::TAU;
use std::path::Path;

use anyhow::{Context, Result};
use rayon::prelude::*;
use ser_audio::Waveform;
use ser_audio::conditions::Condition;
use ser_data::{Clip, Corpus};
use ser_experiment::Run;
use ser_predict::{Model, Predictor};

/// Changes the sound of a test clip; the number is a seed, a different one for each clip.
type Change = Box<dyn Fn(&Waveform, u64) -> Result<Waveform> + Sync>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(run), Some(data)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("expected RUN, the folder of a cross-validation, and DATA, its clips");
    };
    let corpus = Corpus::load(&data)?.corpus;
    let sounds = sounds()?;
    let (mut clips, mut called) = (0, vec![0; sounds.len()]);
    let run = Run::read(Path::new(&run))?;
    for info in &run.infos {
        let model = run.dir.join(&info.split).join("model.safetensors");
        let predictor = Predictor::new(Model::load(&model)?)?;
        let learned_from = &predictor.model().provenance.speakers;
        let tested = corpus.clips().iter().zip(0..);
        let tested = tested.filter(|(clip, _)| !learned_from.contains(&clip.speaker));
        let tested: Vec<(&Clip, u64)> = tested.collect();
        clips += tested.len();
        let counted = tested.par_iter().map(|(clip, seed)| {
            let recorded = clip.read()?;
            let is_called = |(name, change): &(String, Change)| {
                let answer = predictor.answer(&change(&recorded, *seed)?, None);
                let answer = answer.with_context(|| format!("{name}: {}", clip.name))?;
                Ok(answer.out_of_distribution)
            };
            sounds.iter().map(is_called).collect()
        });
        for calls in counted.collect::<Result<Vec<Vec<bool>>>>()? {
            let sums = called.iter_mut().zip(calls);
            sums.for_each(|(sum, call)| *sum += u32::from(call));
        }
    }
    println!("Of {clips} clips, called out of distribution:\n\n| | % |\n| --- | --- |");
    for ((name, _), called) in sounds.iter().zip(called) {
        let share = 100.0 * f64::from(called) / clips as f64;
        println!("| {name} | {share:.1} |");
    }
    Ok(())
}

/// Returns the changes with their names: first those that leave ordinary speech, then the others.
fn sounds() -> Result<Vec<(String, Change)>> {
    let ordinary = [Condition::Clean].into_iter().chain(Condition::STANDARD);
    // Half and double speed; noise that is 40 dB louder than the clip.
    let strange = [
        "speed -50",
        "speed 100",
        "noise-white -40",
        "noise-babble -40",
    ];
    let strange = strange.map(str::parse).into_iter();
    let mut sounds = Vec::new();
    for condition in ordinary.map(Ok).chain(strange) {
        let condition: Condition = condition?;
        let change = move |clip: &Waveform, seed| Ok(condition.apply(clip, seed)?);
        sounds.push((condition.to_string(), Box::new(change) as Change));
    }
    let chords = |_: &Waveform, seed| Ok(chords(seed));
    sounds.push(("generated chords".to_owned(), Box::new(chords)));
    Ok(sounds)
}

/// Generates four seconds of chords of plucked strings, with another progression for each seed.
fn chords(seed: u64) -> Waveform {
    const RATE: u32 = 22_050;
    const BEAT: usize = RATE as usize / 2;
    let sample = |n: usize| {
        let (beat, t) = (n / BEAT, (n % BEAT) as f32 / RATE as f32);
        // Each beat moves by a fifth, starting from a key that the seed selects.
        let root = 40 + (seed as usize % 12 + 7 * beat) % 24;
        let tone = |key: usize| {
            let pitch = 440.0 * ((key as f32 - 69.0) / 12.0).exp2();
            let overtone = |k: u8| (TAU * pitch * f32::from(k) * t).sin() / f32::from(k);
            (1..=8).map(overtone).sum::<f32>()
        };
        let chord: f32 = [root, root + 4, root + 7, root + 12].map(tone).iter().sum();
        0.1 * chord * (-5.0 * t).exp()
    };
    Waveform::new((0..8 * BEAT).map(sample).collect(), RATE)
}
