//! `ser explain`

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use ser_audio::Waveform;
use ser_features::{FeatureConfig, FeatureExtractor, Features, Output};
use ser_predict::{Explanation, LONG, Patch, SHORTEST_EXPLAINED};
use ser_report::plots::{self, Explained, Map, MarkedRegion};
use serde::Serialize;

use crate::args::ExplainArgs;
use crate::output::{SYNTHETIC, UNCERTAIN, percent, plain};
use crate::{Outcome, model};

/// Regions that are named.
const REGIONS: usize = 3;

/// Size of the picture's spectrogram.
const COLUMNS: usize = 315;
const BANDS: usize = 104;
/// Its windows in seconds: the harmonics of most voices stand apart.
const WINDOW: f64 = 0.05;

#[derive(Serialize)]
struct Line<'a> {
    file: String,
    emotion: &'a str,
    probability: f32,
    uncertain: bool,
    regions: Vec<Region>,
    picture: String,
    synthetic_model: bool,
}

#[derive(Serialize)]
struct Region {
    seconds: [f64; 2],
    hertz: [f64; 2],
    drop: f32,
}

pub fn run(args: &ExplainArgs, json: bool) -> Result<Outcome> {
    let predictor = model::open(args.model.file.as_deref())?;
    let model = predictor.model();
    let file = args.file.display().to_string();
    let stem = args.file.file_stem().unwrap_or_default().to_string_lossy();
    let beside = || PathBuf::from(format!("{stem}-explained.svg"));
    let out = args.out.clone().unwrap_or_else(beside);
    if out.extension().is_none_or(|extension| extension != "svg") {
        bail!("{}: the picture's name must end in .svg", out.display());
    }
    ser_files::may_write(&out, &[&args.file])?;
    let clip = crate::recordings::open(&args.file, None)?.read_to_end()?;
    let seconds = clip.duration();
    if !(SHORTEST_EXPLAINED..=LONG).contains(&seconds) {
        bail!(
            "{file}: {seconds:.2} s long; a recording of {SHORTEST_EXPLAINED} to {LONG} s can be explained{}",
            match seconds > LONG {
                true => "; `ser timeline` says what a longer one expresses when",
                false => "",
            }
        );
    }
    let bar = ProgressBar::new_spinner().with_message(format!(
        "hearing {file} again without each of its parts, for about {:.0} s",
        seconds.ceil()
    ));
    bar.enable_steady_tick(Duration::from_millis(200));
    let explanation = predictor.explain(&clip).with_context(|| file.clone())?;
    bar.finish_and_clear();
    let strongest = explanation.strongest(REGIONS);
    let answer = &explanation.answer;
    let emotion = model.labels[answer.emotion()].as_str();
    let (probability, uncertain) = (answer.confidence(), answer.uncertain);
    let marked = answer.marked(&model.labels);

    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let regions = strongest.iter().map(|patch| MarkedRegion {
        seconds: patch.region.seconds.clone(),
        hertz: patch.region.hertz.clone(),
        text: words(patch, emotion),
    });
    let regions: Vec<MarkedRegion> = regions.collect();
    let importance: Vec<f32> = explanation.patches.iter().map(|p| p.drop).collect();
    let levels = spectrogram(&clip, &explanation)?;
    let picture = plots::explanation(&Explained {
        file: &plain(&name),
        emotion: &marked,
        probability,
        synthetic: model.provenance.synthetic,
        samples: &clip.samples,
        duration: clip.duration(),
        hertz: &explanation.hertz,
        levels: Map {
            values: levels.as_slice(),
            bands: levels.coefficients(),
        },
        importance: Map {
            values: &importance,
            bands: explanation.hertz.len() - 2,
        },
        regions: &regions,
    })?;
    ser_files::write_file(&out, &picture)?;

    if json {
        let ends = |range: &Range<f64>| [range.start, range.end];
        let regions = strongest.iter().map(|patch| Region {
            seconds: ends(&patch.region.seconds),
            hertz: ends(&patch.region.hertz),
            drop: patch.drop,
        });
        let line = Line {
            file,
            emotion,
            probability,
            uncertain,
            regions: regions.collect(),
            picture: out.display().to_string(),
            synthetic_model: model.provenance.synthetic,
        };
        println!("{}", serde_json::to_string(&line)?);
        return Ok(Outcome::Done);
    }
    if model.provenance.synthetic {
        println!("{SYNTHETIC}");
    }
    println!(
        "{}: {marked}  ({})",
        plain(&file),
        percent(f64::from(probability))
    );
    if uncertain {
        println!("{UNCERTAIN}");
    }
    if regions.is_empty() {
        println!("no part of it lowers the probability of {emotion} when it is taken away");
    } else {
        println!("percentage points of probability that taking a part away costs:");
    }
    for region in &regions {
        println!("  {}", region.text);
    }
    println!("picture: {}", out.display());
    Ok(Outcome::Done)
}

/// `1.2–1.4 s, 330–1000 Hz: −18 points for angry`
fn words(patch: &Patch, emotion: &str) -> String {
    let (seconds, hertz) = (&patch.region.seconds, &patch.region.hertz);
    let tens = |hertz: f64| 10.0 * (hertz / 10.0).round();
    let points = 100.0 * patch.drop;
    format!(
        "{:.1}–{:.1} s, {}–{} Hz: −{points:.*} points for {emotion}",
        seconds.start,
        seconds.end,
        tens(hertz.start),
        tens(hertz.end),
        usize::from(points < 9.95),
    )
}

/// Levels in dB over the time and the frequencies of an explanation.
fn spectrogram(clip: &Waveform, explanation: &Explanation) -> Result<Features> {
    let window = (WINDOW * f64::from(clip.sample_rate)) as usize;
    let config = FeatureConfig {
        sample_rate: clip.sample_rate,
        n_fft: window.next_power_of_two(),
        win_length: Some(window),
        hop_length: clip.samples.len().div_ceil(COLUMNS),
        n_mels: BANDS,
        fmax: explanation.hertz.last().copied(),
        output: Output::LogMel,
        amin: 1e-20,
        ..FeatureConfig::default()
    };
    Ok(FeatureExtractor::new(&config)?.extract(clip)?)
}
