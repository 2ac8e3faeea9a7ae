//! Recordings of any kind and length, and what a model says of each.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ser_audio::{AudioStream, EXTENSIONS, Quality, Warning};
use ser_features::{FeatureExtractor, Features, Waveform};
use ser_eval::Doubt;
use ser_model::{Enrolment, Model, argmax};
use ser_stream::Listener;
use walkdir::WalkDir;

use crate::corpus::Skipped;

/// Longer recordings, in seconds, are answered piece by piece, and need no more memory than this.
const LONG: f64 = 30.0;
/// A recording this many times as far from the average of training as the farthest hundredth of the
/// training clips is like none of them.
const UNFAMILIAR: f32 = 1.25;

/// The name of standard input.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The recordings that files, folders and patterns (`*.mp3`) stand for, sorted within each; `-` is
/// standard input.
pub fn recordings(given: &[PathBuf]) -> (Vec<PathBuf>, Vec<Skipped>) {
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    for path in given {
        if path.is_dir() {
            in_folder(path, &mut files, &mut skipped);
            continue;
        }
        let pattern = path.to_str().filter(|p| !path.exists() && p.contains(['*', '?', '[']));
        let Some(matches) = pattern.and_then(|pattern| glob::glob(pattern).ok()) else {
            files.push(path.clone());
            continue;
        };
        let before = files.len();
        files.extend(matches.flatten().filter(|path| path.is_file()));
        if files.len() == before {
            skipped.push(Skipped::new(path, "no file matches"));
        }
    }
    (files, skipped)
}

fn in_folder(folder: &Path, files: &mut Vec<PathBuf>, skipped: &mut Vec<Skipped>) {
    let before = files.len();
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        match entry {
            Ok(entry) => {
                let extension = entry.path().extension().unwrap_or_default();
                let extension = extension.to_string_lossy().to_lowercase();
                if entry.file_type().is_file() && EXTENSIONS.contains(&extension.as_str()) {
                    files.push(entry.into_path());
                }
            }
            Err(error) => skipped.push(Skipped::new(
                error.path().unwrap_or(folder),
                &error.to_string(),
            )),
        }
    }
    if files.len() == before {
        skipped.push(Skipped::new(folder, "no recording below it"));
    }
}

/// Opens a recording or standard input.
pub fn open(path: &Path) -> Result<AudioStream> {
    Ok(if is_stdin(path) {
        AudioStream::from_reader(Box::new(io::stdin()), Path::new("standard input"))?
    } else {
        AudioStream::open(path)?
    })
}

/// What is said of a recording.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Probabilities of the model's labels.
    pub probabilities: Vec<f32>,
    /// Length in seconds.
    pub seconds: f64,
    /// What makes the answer doubtful.
    pub warnings: Vec<Warning>,
    /// Whether the model has learned from nothing like it.
    pub unfamiliar: bool,
    /// Whether it is the mean over the pieces of a long recording.
    pub long: bool,
}

impl Answer {
    /// Number of the most probable label.
    pub fn emotion(&self) -> usize {
        argmax(&self.probabilities)
    }

    /// Probability of the most probable label.
    pub fn confidence(&self) -> f32 {
        self.probabilities.iter().copied().fold(0.0, f32::max)
    }

    /// Whether it is as doubtful as the doubtful answers on validation clips were.
    pub fn is_unsure(&self, doubt: Option<&Doubt>) -> bool {
        doubt.is_some_and(|doubt| f64::from(self.confidence()) < doubt.below)
    }
}

/// A model with what it needs to hear recordings.
pub struct Hearing<'m> {
    model: &'m Model,
    speaker: Option<&'m Enrolment>,
    extractors: Vec<FeatureExtractor>,
}

/// What was heard of a recording: all of a short one, or the answer to a long one.
pub enum Heard {
    Short(Vec<Features>, Answer),
    Long(Answer),
}

impl<'m> Hearing<'m> {
    pub fn new(model: &'m Model, speaker: Option<&'m Enrolment>) -> Result<Self> {
        Ok(Self {
            model,
            speaker,
            extractors: model.extractors()?,
        })
    }

    /// Features of a whole recording.
    pub fn features(&self, path: &Path) -> Result<Vec<Features>> {
        let clip = if is_stdin(path) {
            let mut stream = open(path)?;
            let mut clip = Waveform::new(Vec::new(), stream.sample_rate());
            while stream.next_block(&mut clip.samples)? {}
            clip
        } else {
            ser_audio::read(path)?
        };
        self.views(&clip).with_context(|| path.display().to_string())
    }

    fn views(&self, clip: &Waveform) -> Result<Vec<Features>> {
        let views = self.extractors.iter().map(|e| e.extract(clip));
        Ok(views.collect::<ser_features::Result<_>>()?)
    }

    /// Reads a recording. A short one is answered by [`Hearing::answer`], many at a time.
    pub fn hear(&self, path: &Path) -> Result<Heard> {
        self.hear_stream(open(path)?)
            .with_context(|| path.display().to_string())
    }

    fn hear_stream(&self, mut stream: AudioStream) -> Result<Heard> {
        let mut clip = Waveform::new(Vec::new(), stream.sample_rate());
        while clip.duration() <= LONG {
            if !stream.next_block(&mut clip.samples)? {
                let views = self.views(&clip)?;
                let answer = Answer {
                    probabilities: Vec::new(),
                    seconds: clip.duration(),
                    warnings: Quality::of(&clip).warnings(),
                    unfamiliar: self.model.unfamiliarity(&views)? > UNFAMILIAR,
                    long: false,
                };
                return Ok(Heard::Short(views, answer));
            }
        }
        // The beginning stands for the recording.
        let warnings = Quality::of(&clip).warnings();
        let mut listener = Listener::new(self.model, clip.sample_rate)?;
        if let Some(speaker) = self.speaker {
            listener = listener.of(speaker);
        }
        let (mut samples, mut seconds) = (clip.samples, 0.0);
        let mut sum = vec![0.0_f64; self.model.labels.len()];
        let mut spoken = 0.0;
        loop {
            seconds += samples.len() as f64 / f64::from(clip.sample_rate);
            let ended = samples.is_empty();
            let spans = match ended {
                false => listener.push(&samples)?,
                true => listener.finish()?,
            };
            for span in spans {
                let length = span.end - span.start;
                spoken += length;
                for (sum, p) in sum.iter_mut().zip(span.probabilities) {
                    *sum += length * f64::from(p);
                }
            }
            if ended {
                break;
            }
            samples.clear();
            stream.next_block(&mut samples)?;
        }
        if spoken == 0.0 {
            bail!("nobody speaks in its {seconds:.0} s");
        }
        Ok(Heard::Long(Answer {
            probabilities: sum.iter().map(|p| (p / spoken) as f32).collect(),
            seconds,
            warnings,
            unfamiliar: false,
            long: true,
        }))
    }

    /// Answers what was heard.
    pub fn answer(&self, heard: Vec<Heard>) -> Result<Vec<Answer>> {
        let short = heard.iter().filter_map(|heard| match heard {
            Heard::Short(views, _) => Some(views.as_slice()),
            Heard::Long(_) => None,
        });
        let short: Vec<&[Features]> = short.collect();
        let answers = match self.speaker {
            Some(speaker) => self.model.predict_enrolled(&short, speaker)?,
            None => self.model.predict(&short)?,
        };
        let mut answers = answers.into_iter();
        let answer = |heard| match heard {
            Heard::Long(answer) => answer,
            Heard::Short(_, answer) => Answer {
                probabilities: answers.next().unwrap_or_default(),
                ..answer
            },
        };
        Ok(heard.into_iter().map(answer).collect())
    }

    /// What the model's doubts are when it answers.
    pub fn doubt(&self) -> Option<&Doubt> {
        match self.speaker {
            Some(_) => self.model.enrolled_doubt.as_ref(),
            None => self.model.doubt.as_ref(),
        }
    }
}
