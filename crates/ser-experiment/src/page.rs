//! Writes the page of a run, its pictures and the files beside it.
//!
//! The sounds of the worst mistakes and the map of clips are made from the clips when the page is written, and not
//! kept in the folder of the run: so no further file can become outdated, and runs of earlier versions get them as well.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use ser_audio::conditions::Condition;
use ser_data::{Clip, Corpus};
use ser_eval::{Evaluation, Predictions, principal_plane};
use ser_features::{Features, Views, trim};
use ser_files::write_file;
use ser_predict::Model;
use ser_report::{Map, Report, RunSummary, Sound, render, render_summary, worst_mistakes};

use crate::error::{Context, Error, Result};
use crate::folder::write_json;
use crate::run::Run;
use crate::split_run::{TEST, is_split, read_split};
use crate::view::features_of;

/// Name of the page in the folder of a run.
pub(crate) const PAGE: &str = "report.html";
/// Name of the file with the figures beside the page.
pub(crate) const METRICS: &str = "metrics.json";

/// Sampling rate of the sounds in Hz, which is enough for speech.
const RATE: u32 = 16_000;
/// Maximum length of a sound in seconds. Twelve sounds, encoded as text, stay below 3 MB.
const SECONDS: u32 = 5;
/// Level in dB below the loudest frame under which the ends of a clip count as silence.
const SILENCE: f64 = 30.0;
/// Maximum number of clips in a map. More clips do not make it clearer.
const MAP_CLIPS: usize = 1000;

impl Run {
    /// Returns the path of the page.
    #[must_use]
    pub fn page(&self) -> PathBuf {
        self.dir.join(PAGE)
    }

    /// Writes metrics, pictures and the page into the folder of the run. `corpus` holds the clips that the run was made from.
    ///
    /// `comparison` holds other runs to show on the page. The map shows the test part of the first split. `by` names columns by
    /// which the figures are computed as well.
    ///
    /// # Errors
    /// - [`ser_eval::Error::NoColumn`] if `by` names a column that no clip has
    /// - [`Error::In`](crate::Error::In) if the clips are not the clips of the run, or one cannot be read
    /// - [`Error::Io`](crate::Error::Io) if a file cannot be written
    /// - [`Error::Predict`](crate::Error::Predict) if the model cannot be read or cannot compute embeddings
    pub fn write_page(
        &self,
        comparison: &[RunSummary],
        corpus: &Corpus,
        by: &[String],
    ) -> Result<Evaluation> {
        let emotions: Vec<&str> = self.emotions().iter().map(String::as_str).collect();
        let corpus = corpus.select(&emotions)?;
        let first = self.model.parent().unwrap_or(&self.dir);
        let name = &self.infos[0].split;
        let split = read_split(first, &corpus, name, &self.experiment)
            .context_of(|| format!("{} was made from other clips", self.dir.display()))?;
        let model = Model::load(&self.model)?;
        let plain = &with_attributes(self.test.plain(), &corpus)?;
        let mut report = self.report(comparison)?;
        report.sounds = sounds(&corpus, plain)?;
        report.map = map(&model, &model.labels, &corpus, split.test(), name)?;
        let evaluation = Evaluation::compute_by(plain, by)?;
        // The folder of a single split holds its own predictions already.
        if !is_split(&self.dir) {
            self.test.write(&self.dir, TEST)?;
        }
        write_page(&self.dir, &report, &evaluation)?;
        Ok(evaluation)
    }
}

/// Returns the predictions with the additional columns of the clips as the corpus has them now.
fn with_attributes(predictions: &Predictions, corpus: &Corpus) -> Result<Predictions> {
    let clips = corpus.clips().iter();
    let clips: BTreeMap<&str, &Clip> = clips.map(|clip| (&*clip.name, clip)).collect();
    let rows = predictions.rows().iter().cloned().map(|mut row| {
        if let Some(clip) = clips.get(&*row.clip) {
            row.attributes = clip.attributes.clone();
        }
        row
    });
    let labels = predictions.labels().to_vec();
    Ok(Predictions::new(labels, rows.collect())?)
}

/// Writes the metrics, pictures and page of a report into a folder.
pub(crate) fn write_page(dir: &Path, report: &Report, evaluation: &Evaluation) -> Result<()> {
    write_json(&dir.join(METRICS), evaluation)?;
    ser_report::plots::write_all(dir, report, evaluation)?;
    Ok(write_file(dir.join(PAGE), render(report, evaluation)?)?)
}

/// Returns a summary of each run, for a table with one row per run. It has the name of its recipe, or of its folder if several
/// runs have the same recipe.
///
/// # Errors
/// [`Error::In`](crate::Error::In) with the folder if a run has no predictions.
pub fn summaries(runs: &[Run]) -> Result<Vec<RunSummary>> {
    let mut rows = runs.iter().map(summary).collect::<Result<Vec<_>>>()?;
    let folders: Vec<PathBuf> = runs.iter().map(|run| run.dir.clone()).collect();
    name_apart(&mut rows, &folders);
    Ok(rows)
}

/// Returns the summary of a run.
pub(crate) fn summary(run: &Run) -> Result<RunSummary> {
    let evaluation = Evaluation::compute(run.test.plain()).map_err(Error::from);
    let summary = evaluation.and_then(|evaluation| run.summary(&evaluation));
    summary.context_of(|| run.dir.display().to_string())
}

/// Gives runs of the same name the names of their folders.
pub(crate) fn name_apart(rows: &mut [RunSummary], folders: &[PathBuf]) {
    let names: Vec<String> = rows.iter().map(|row| row.recipe.clone()).collect();
    for ((row, folder), name) in rows.iter_mut().zip(folders).zip(&names) {
        if names.iter().filter(|other| *other == name).count() > 1 {
            row.recipe = folder.display().to_string();
        }
    }
}

/// Writes a page with runs side by side, each with a link to its own page.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if the file cannot be written.
pub fn write_side_by_side(page: &Path, runs: &[Run], rows: &[RunSummary]) -> Result<()> {
    let rows = rows.iter().zip(runs).map(|(row, run)| RunSummary {
        page: link(page, &run.page()),
        ..row.clone()
    });
    let rows: Vec<RunSummary> = rows.collect();
    Ok(write_file(page, render_summary(&rows))?)
}

/// Returns the link from a page to a file, if it exists: relative if the file lies below the folder of the page, else the absolute
/// path.
pub(crate) fn link(page: &Path, file: &Path) -> Option<String> {
    if !file.is_file() {
        return None;
    }
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (page, file) = (absolute(page), absolute(file));
    let folder = page.parent().unwrap_or(Path::new(""));
    let path = file.strip_prefix(folder).unwrap_or(&file);
    Some(path.to_string_lossy().replace('\\', "/"))
}

/// Returns the sounds of the most confident mistakes.
pub(crate) fn sounds(corpus: &Corpus, answers: &Predictions) -> Result<Vec<Sound>> {
    let clip = |name: &str| corpus.clips().iter().find(|clip| clip.name == name);
    let mistakes = worst_mistakes(answers).into_iter();
    let sounds = mistakes.filter_map(|row| clip(&row.clip)).map(|clip| {
        let wav = wav(clip).context_of(|| clip.path.display().to_string())?;
        let clip = clip.name.clone();
        Ok(Sound { clip, wav })
    });
    sounds.collect()
}

/// Returns a clip as a small WAV file: mono, 16 kHz, 16 bits, without the silence at its ends, and cut after [`SECONDS`].
fn wav(clip: &Clip) -> Result<Vec<u8>> {
    let waveform = clip.read()?.resample(RATE)?;
    let sound = trim(&waveform.samples, SILENCE, 2048, 512);
    let samples = waveform.samples.get(sound).unwrap_or_default();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut write = || -> hound::Result<()> {
        let mut writer = hound::WavWriter::new(&mut file, spec)?;
        for sample in samples.iter().take((RATE * SECONDS) as usize) {
            writer.write_sample((sample * 32_767.0) as i16)?;
        }
        writer.finalize()
    };
    write().map_err(|error| ser_files::Error::at(&clip.path)(std::io::Error::other(error)))?;
    Ok(file.into_inner())
}

/// Returns the map of the embeddings of clips that have one of the labels, or `None` if there are too few clips.
pub(crate) fn map(
    model: &Model,
    labels: &[String],
    corpus: &Corpus,
    part: &[usize],
    split: &str,
) -> Result<Option<Map>> {
    let known = |clip: &Clip| labels.iter().position(|label| *label == clip.emotion);
    let of_known = |&i: &usize| Some((i, known(&corpus.clips()[i])?));
    let mut shown: Vec<(usize, usize)> = part.iter().filter_map(of_known).collect();
    let clips = shown.len();
    // Drawn at random: the order of the clips is that of their names, which say what is in them.
    shown.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
    shown.truncate(MAP_CLIPS);
    let views = Views::new(model.views())?;
    let recordings = shown.iter().map(|&(i, _)| corpus.clips()[i].recording());
    let recordings: Vec<_> = recordings.collect();
    let features = features_of(&recordings, Condition::Clean, 0, &views).into_iter();
    let features: Vec<Vec<Features>> = features.collect::<Result<_>>()?;
    let views: Vec<&[Features]> = features.iter().map(Vec::as_slice).collect();
    let plane = principal_plane(&model.embeddings(&views)?);
    Ok(plane.map(|plane| Map {
        split: split.to_owned(),
        clips,
        truth: shown.into_iter().map(|(_, truth)| truth).collect(),
        plane,
    }))
}
