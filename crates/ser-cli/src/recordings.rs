//! Recordings of any kind and length, and what a model says of each.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ser_audio::Waveform;
use ser_audio::{AudioStream, EXTENSIONS, Quality, Warning};
use ser_eval::Doubt;
use ser_features::{FeatureExtractor, Features};
use ser_model::{Enrolment, Model, argmax};
use ser_stream::Listener;
use walkdir::WalkDir;

use crate::corpus::Skipped;
use crate::model;
use crate::output::in_full;

/// Longer recordings, in seconds, are answered piece by piece, and need no more memory than this.
pub const LONG: f64 = 30.0;

/// Extensions of recordings that cannot be decoded, or not by every build: in a folder they are named, not
/// passed over.
const OTHER_AUDIO: [&str; 9] = [
    "3gp", "ac3", "amr", "ape", "au", "mp2", "opus", "w64", "wma",
];

/// Samples of a long recording that are handed over at a time: pieces for all cores.
const AT_ONCE: usize = 1 << 20;

/// The name of standard input.
fn is_stdin(path: &Path) -> bool {
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
        let pattern = path
            .to_str()
            .filter(|p| !path.exists() && p.contains(['*', '?', '[']));
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
                let is_audio = |known: &[&str]| known.contains(&extension.as_str());
                if entry.file_type().is_file() && (is_audio(EXTENSIONS) || is_audio(&OTHER_AUDIO)) {
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

    /// The most probable label, as `angry`, or `angry?` where the answer is doubtful.
    pub fn marked(&self, labels: &[String], doubt: Option<&Doubt>) -> String {
        let mark = if self.is_unsure(doubt) { "?" } else { "" };
        format!("{}{mark}", labels[self.emotion()])
    }

    /// Probability of the most probable label.
    pub fn confidence(&self) -> f32 {
        self.probabilities.iter().copied().fold(0.0, f32::max)
    }

    /// Whether it is as doubtful as the doubtful answers on validation clips were, or to a recording
    /// that the model knows nothing about, however sure it is.
    pub fn is_unsure(&self, doubt: Option<&Doubt>) -> bool {
        self.unfamiliar
            || self.warnings.contains(&Warning::NoSpeech)
            || doubt.is_some_and(|doubt| doubt.is_about(self.confidence()))
    }
}

/// What was heard of a recording.
pub enum Heard {
    /// All of it, in every view of the model.
    Short {
        views: Vec<Features>,
        seconds: f64,
        warnings: Vec<Warning>,
    },
    /// Its beginning, in every view of the model where somebody speaks in it, and the stream of what follows.
    Long {
        beginning: Waveform,
        views: Option<Vec<Features>>,
        rest: Box<AudioStream>,
        warnings: Vec<Warning>,
    },
}

/// Hears recordings for a model, on any thread.
pub struct Ears {
    extractors: Vec<FeatureExtractor>,
}

impl Ears {
    pub fn of(model: &Model) -> Result<Self> {
        Ok(Self {
            extractors: model.extractors()?,
        })
    }

    /// How a speaker sounds on average in all recordings that files, folders and patterns stand for, and how
    /// many could be used. Those that could not are named and added to `skipped`.
    pub fn enrol(
        &self,
        model: &Model,
        given: &[PathBuf],
        skipped: &mut Vec<Skipped>,
    ) -> Result<(Enrolment, usize)> {
        model::must_enrol(model)?;
        let (files, mut left_out) = recordings(given);
        let mut known: Vec<Vec<Features>> = Vec::new();
        for file in &files {
            match self.speech(file) {
                Ok(features) => known.push(features),
                Err(error) => left_out.push(Skipped::new(file, &in_full(&error))),
            }
        }
        Skipped::tell(&left_out);
        if known.is_empty() {
            bail!("nothing to enrol in the {} files", left_out.len());
        }
        skipped.append(&mut left_out);
        let views: Vec<&[Features]> = known.iter().map(Vec::as_slice).collect();
        Ok((model.enrol(&views)?, known.len()))
    }

    /// Features of a whole recording in which somebody speaks.
    fn speech(&self, path: &Path) -> Result<Vec<Features>> {
        let clip = ser_audio::read(path)?;
        if Quality::of(&clip).warnings().contains(&Warning::NoSpeech) {
            bail!("{}: {}", path.display(), Warning::NoSpeech);
        }
        self.views(&clip)
            .with_context(|| path.display().to_string())
    }

    fn views(&self, clip: &Waveform) -> Result<Vec<Features>> {
        let views = self.extractors.iter().map(|e| e.extract(clip));
        Ok(views.collect::<ser_features::Result<_>>()?)
    }

    /// Hears the whole of a recording that is not [`LONG`].
    pub fn hear_all(&self, clip: &Waveform) -> Result<Heard> {
        Ok(Heard::Short {
            views: self.views(clip)?,
            seconds: clip.duration(),
            warnings: Quality::of(clip).warnings(),
        })
    }

    /// Reads a recording, or the beginning of a long one.
    pub fn hear(&self, path: &Path) -> Result<Heard> {
        let mut stream = open(path)?;
        let mut clip = Waveform::new(Vec::new(), stream.sample_rate());
        while clip.duration() <= LONG {
            if !stream.next_block(&mut clip.samples)? {
                let heard = self.hear_all(&clip);
                return heard.with_context(|| path.display().to_string());
            }
        }
        // The beginning stands for the recording, but speech may come later, or more of it.
        let mut warnings = Quality::of(&clip).warnings();
        let speaks = !warnings.contains(&Warning::NoSpeech);
        let views = speaks.then(|| self.views(&clip)).transpose();
        warnings.retain(|warning| !matches!(warning, Warning::NoSpeech | Warning::TooShort { .. }));
        Ok(Heard::Long {
            views: views.with_context(|| path.display().to_string())?,
            warnings,
            beginning: clip,
            rest: Box::new(stream),
        })
    }
}

/// Answers what was heard, as a model does that may know the speaker.
pub fn answer(model: &Model, speaker: Option<&Enrolment>, heard: Heard) -> Result<Answer> {
    match heard {
        Heard::Short {
            views,
            seconds,
            warnings,
        } => {
            let clips = [views.as_slice()];
            let mut answers = match speaker {
                Some(speaker) => model.predict_enrolled(&clips, speaker)?,
                None => model.predict(&clips)?,
            };
            Ok(Answer {
                probabilities: answers.swap_remove(0),
                seconds,
                warnings,
                unfamiliar: model.is_unfamiliar(&views)?,
                long: false,
            })
        }
        Heard::Long {
            beginning,
            views,
            rest,
            warnings,
        } => {
            let (probabilities, seconds) = mean_over_pieces(model, speaker, beginning, *rest)?;
            Ok(Answer {
                probabilities,
                seconds,
                warnings,
                unfamiliar: views.map_or(Ok(false), |views| model.is_unfamiliar(&views))?,
                long: true,
            })
        }
    }
}

/// The mean of the probabilities of all pieces of speech, each by its length, and the recording's length
/// in seconds.
fn mean_over_pieces(
    model: &Model,
    speaker: Option<&Enrolment>,
    beginning: Waveform,
    mut rest: AudioStream,
) -> Result<(Vec<f32>, f64)> {
    let mut listener = Listener::new(model, beginning.sample_rate)?.of(speaker);
    let (mut samples, mut taken, mut spoken) = (beginning.samples, 0, 0.0);
    let mut sum = vec![0.0_f64; model.labels.len()];
    loop {
        taken += samples.len();
        let spans = match samples.is_empty() {
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
        if samples.is_empty() {
            break;
        }
        samples.clear();
        while samples.len() < AT_ONCE && rest.next_block(&mut samples)? {}
    }
    let seconds = taken as f64 / f64::from(beginning.sample_rate);
    if spoken == 0.0 {
        bail!("nobody speaks in its {seconds:.0} s");
    }
    Ok((sum.iter().map(|p| (p / spoken) as f32).collect(), seconds))
}
