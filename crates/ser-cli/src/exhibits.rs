//! What the page of a run shows of its clips themselves: the sound of the worst mistakes, and the map.
//!
//! Both are made from the clips when the page is written, not kept in the folder of the run: there
//! is no further file to go stale, and a run of any age gets them.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use ser_audio::Waveform;
use ser_audio::conditions::Condition;
use ser_data::{Clip, Corpus, Split};
use ser_eval::report::{Map, Sound, worst_mistakes};
use ser_eval::{Predictions, principal_plane};
use ser_features::{Features, trim};
use ser_model::Model;

use crate::corpus::hear;
use crate::report::Run;

/// Rate of the sounds in Hz: speech needs no more.
const RATE: u32 = 16_000;
/// No sound is longer: twelve of them, written as text, stay below 3 MB.
const SECONDS: u32 = 5;
/// Quieter than the loudest frame by so many dB is silence at the ends.
const SILENCE: f64 = 30.0;
/// More clips than these make a map no clearer.
const MAP_CLIPS: usize = 1000;

/// What a page shows of clips.
#[derive(Debug, Default)]
pub struct Exhibits {
    /// The most confident mistakes.
    pub sounds: Vec<Sound>,
    /// The clips of one test part as points.
    pub map: Option<Map>,
}

impl Exhibits {
    /// Of a run, from the clips it was made from; the map shows the test part of its first split.
    pub fn of_run(run: &Run, corpus: &Corpus) -> Result<Self> {
        let emotions: Vec<&str> = run.emotions().iter().map(String::as_str).collect();
        let corpus = corpus.select(&emotions)?;
        let disjoint = run.experiment.task().protocol.disjoint();
        let split = Split::read_csv(&corpus, run.model.with_file_name("split.csv"), disjoint)
            .with_context(|| format!("{} was made from other clips", run.dir.display()))?;
        let model = Model::load(&run.model)?;
        let name = &run.infos[0].split;
        Self::of(&model, &corpus, split.test(), name, &run.test.plain)
    }

    /// Of a model's answers; the map shows a part of the corpus.
    pub fn of(
        model: &Model,
        corpus: &Corpus,
        part: &[usize],
        split: &str,
        predictions: &Predictions,
    ) -> Result<Self> {
        let clip = |name: &str| corpus.clips().iter().find(|clip| clip.name == name);
        let sounds = worst_mistakes(predictions)
            .into_iter()
            .filter_map(|row| clip(&row.clip))
            .map(|clip| {
                Ok(Sound {
                    clip: clip.name.clone(),
                    wav: wav(&clip.path).with_context(|| clip.path.display().to_string())?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            sounds,
            map: map(model, corpus, part, split)?,
        })
    }
}

/// A clip as a small file: mono, 16 kHz, 16 bits, without the silence at its ends, cut where it is
/// too long.
fn wav(path: &Path) -> Result<Vec<u8>> {
    let waveform = Waveform::read(path)?.resample(RATE)?;
    let sound = trim(&waveform.samples, SILENCE, 2048, 512);
    let samples = waveform.samples.get(sound).unwrap_or_default();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec)?;
    for sample in samples.iter().take((RATE * SECONDS) as usize) {
        writer.write_sample((sample * 32_767.0) as i16)?;
    }
    writer.finalize()?;
    Ok(file.into_inner())
}

/// Where a model's networks put clips; nothing for too few of them.
fn map(model: &Model, corpus: &Corpus, part: &[usize], split: &str) -> Result<Option<Map>> {
    let every = part.len().div_ceil(MAP_CLIPS).max(1);
    let known = |clip: &Clip| model.labels.iter().position(|label| *label == clip.emotion);
    let part = part.iter().step_by(every);
    let shown: Vec<(usize, usize)> = part
        .filter_map(|&i| Some((i, known(&corpus.clips()[i])?)))
        .collect();
    let extractors = model.extractors()?;
    let heard: Vec<Vec<Features>> = shown
        .clone()
        .into_par_iter()
        .map(|(i, _)| hear(&corpus.clips()[i].path, Condition::Clean, 0, &extractors))
        .collect::<Result<_>>()?;
    let views: Vec<&[Features]> = heard.iter().map(Vec::as_slice).collect();
    let plane = principal_plane(&model.embeddings(&views)?);
    Ok(plane.map(|plane| Map {
        split: split.to_owned(),
        truth: shown.into_iter().map(|(_, truth)| truth).collect(),
        plane,
    }))
}
