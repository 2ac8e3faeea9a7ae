//! Prints how well the models of a cross-validation classify longer recordings: several test clips of one actor and emotion, one after
//! the other, answered as a whole and by pieces.
//!
//! `cargo run --release -p ser-experiment --example long_recordings -- RUN DATA`

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rayon::prelude::*;
use ser_audio::Waveform;
use ser_data::{Clip, Corpus};
use ser_predict::{Listener, Model, Predictor, Segmenter, argmax};

const WAYS: [&str; 4] = ["whole", "pieces", "windows 3", "windows 2.5"];

fn whole(p: &Predictor, sound: &Waveform) -> Result<Vec<f32>> {
    let features = p.features(sound)?;
    Ok(p.model().predict(&[&features[..]])?.remove(0))
}

fn pieces(p: &Predictor, sound: &Waveform) -> Result<Vec<f32>> {
    let mut listener = Listener::new(p, sound.sample_rate)?;
    let mut spans = listener.push(&sound.samples)?;
    spans.extend(listener.finish()?);
    if spans.is_empty() {
        return whole(p, sound);
    }
    let mut sum = vec![0.0; p.model().labels.len()];
    for span in spans {
        let length = (span.end - span.start) as f32;
        for (s, q) in sum.iter_mut().zip(&span.answer.probabilities) {
            *s += length * q;
        }
    }
    Ok(sum)
}

fn windows(p: &Predictor, sound: &Waveform, most: f64) -> Result<Vec<f32>> {
    let tight = tight(sound)?;
    let count = (tight.duration() / most).ceil().max(1.0) as usize;
    let mut sum = vec![0.0; p.model().labels.len()];
    let length = tight.samples.len();
    for i in 0..count {
        let part = &tight.samples[i * length / count..(i + 1) * length / count];
        let q = whole(p, &Waveform::new(part.to_vec(), sound.sample_rate))?;
        for (s, q) in sum.iter_mut().zip(q) {
            *s += q;
        }
    }
    Ok(sum)
}

fn tight(sound: &Waveform) -> Result<Waveform> {
    let mut segmenter = Segmenter::new(sound.sample_rate)?;
    let mut pieces = segmenter.push(&sound.samples);
    pieces.extend(segmenter.finish());
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
        return Ok(sound.clone());
    };
    let at = |seconds: f64| {
        ((seconds.max(0.0) * f64::from(sound.sample_rate)) as usize).min(sound.samples.len())
    };
    Ok(Waveform::new(
        sound.samples[at(first.start - 0.1)..at(last.end + 0.1)].to_vec(),
        sound.sample_rate,
    ))
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(run), Some(data)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("expected RUN, the folder of a cross-validation, and DATA, its clips");
    };
    let corpus = Corpus::load(&data)?.corpus;
    // (kind, count) → way → class → (right, all), and seconds.
    let mut counts: BTreeMap<(bool, usize), (f64, usize, Vec<Vec<(usize, usize)>>)> =
        BTreeMap::new();
    for model in models(Path::new(&run))? {
        let p = Predictor::new(Model::load(&model)?)?;
        let learned = &p.model().provenance.speakers;
        let mut groups: BTreeMap<(&str, &str), Vec<&Clip>> = BTreeMap::new();
        for clip in corpus.clips() {
            if !learned.contains(&clip.speaker) || run.contains("built-in") {
                groups
                    .entry((&clip.speaker, &clip.emotion))
                    .or_default()
                    .push(clip);
            }
        }
        let classes = p.model().labels.len();
        let groups: Vec<_> = groups.into_iter().collect();
        let found = groups.par_iter().map(
            |((_, emotion), clips)| -> Result<Vec<((bool, usize), f64, usize, Vec<usize>)>> {
                let class = p
                    .model()
                    .labels
                    .iter()
                    .position(|l| l == emotion)
                    .unwrap_or(0);
                let sounds = clips
                    .iter()
                    .map(|clip| Ok(clip.read()?))
                    .collect::<Result<Vec<Waveform>>>()?;
                let mut out = Vec::new();
                for cut in [false, true] {
                    for count in [1, 2, 4] {
                        for joined in sounds.chunks_exact(count) {
                            let mut samples = Vec::new();
                            for sound in joined {
                                let sound = if cut { tight(sound)? } else { sound.clone() };
                                samples.extend(sound.samples);
                            }
                            let sound = Waveform::new(samples, joined[0].sample_rate);
                            let answers = [
                                whole(&p, &sound)?,
                                pieces(&p, &sound)?,
                                windows(&p, &sound, 3.0)?,
                                windows(&p, &sound, 2.5)?,
                            ];
                            out.push((
                                (cut, count),
                                sound.duration(),
                                class,
                                answers.iter().map(|a| argmax(a)).collect(),
                            ));
                        }
                    }
                }
                Ok(out)
            },
        );
        for rows in found.collect::<Result<Vec<_>>>()? {
            for (key, seconds, class, answers) in rows {
                let entry = counts
                    .entry(key)
                    .or_insert_with(|| (0.0, 0, vec![vec![(0, 0); classes]; WAYS.len()]));
                entry.0 += seconds;
                entry.1 += 1;
                for (way, answer) in answers.into_iter().enumerate() {
                    entry.2[way][class].0 += usize::from(answer == class);
                    entry.2[way][class].1 += 1;
                }
            }
        }
    }
    for ((cut, count), (seconds, n, ways)) in counts {
        print!(
            "{count} clips{}: {n} of {:.1} s:",
            if cut { ", pauses cut" } else { "" },
            seconds / n as f64
        );
        for (name, classes) in WAYS.iter().zip(ways) {
            let recalls: Vec<f64> = classes
                .iter()
                .filter(|c| c.1 > 0)
                .map(|c| c.0 as f64 / c.1 as f64)
                .collect();
            print!(
                " {name} {:.1}",
                100.0 * recalls.iter().sum::<f64>() / recalls.len() as f64
            );
        }
        println!();
    }
    Ok(())
}

fn models(run: &Path) -> Result<Vec<PathBuf>> {
    let folders = std::fs::read_dir(run)?.collect::<Result<Vec<_>, _>>()?;
    let mut models: Vec<PathBuf> = folders
        .iter()
        .map(|folder| folder.path().join("model.safetensors"))
        .filter(|model| model.is_file())
        .collect();
    models.sort();
    Ok(models)
}
