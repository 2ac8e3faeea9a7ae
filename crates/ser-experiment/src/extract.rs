//! Extracts the features of recordings into one file or into a store.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Display;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ser_data::{Clip, Corpus, Excerpt, LabelMap, Origin, Recording, Scan, Skip, is_table};
use ser_features::{FeatureConfig, Features, write_npy};
use ser_files::has_extension;
use ser_tables::Form;
use serde::Serialize;

use crate::corpus::{Skipped, tell};
use crate::error::{Error, Result};
use crate::event::{Event, OnEvent, Stage};
use crate::find::{Found, find_one, identity};
use crate::functionals::About;
use crate::view::{FeatureSource, View};

/// Size in bytes of the audio files whose features are in memory at a time. This is enough to keep all cores busy; with
/// librosa's defaults the features take about as many bytes.
const CHUNK_BYTES: u64 = 64 << 20;

/// The recordings whose features are extracted, each with a name for its features.
#[derive(Debug, Clone)]
pub struct Inputs {
    files: Vec<Input>,
    skipped: Vec<Skipped>,
    /// The recordings of manifests of which a part is missing.
    damaged: Vec<Skip>,
    /// The paths and patterns that were given.
    given: Vec<PathBuf>,
}

#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    name: String,
    /// The clip, if a manifest lists it.
    pub(crate) clip: Option<Clip>,
}

impl Input {
    fn recording(&self) -> Recording<'_> {
        Recording {
            path: &self.path,
            excerpt: self.excerpt(),
        }
    }

    fn excerpt(&self) -> Option<Excerpt> {
        self.clip.as_ref()?.excerpt
    }

    /// Returns the size of the file in bytes, or 0 if the file cannot be read. For a part of a file, returns the size of its
    /// samples at 16 bits.
    fn bytes(&self) -> u64 {
        match self.excerpt() {
            Some(part) => part.end.saturating_sub(part.start).saturating_mul(2),
            None => std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len()),
        }
    }
}

/// The result of an extraction.
#[derive(Debug, Clone)]
pub struct Extraction {
    /// Number of files whose features were extracted.
    pub files: usize,
    /// Number of coefficients per frame.
    pub coefficients: usize,
    /// Files that could not be used.
    pub skipped: Vec<Skipped>,
}

impl Inputs {
    /// Finds the recordings that files, folders, patterns and manifests stand for, each once. Relative paths in a manifest
    /// are resolved as [`Origin`] says.
    ///
    /// # Errors
    /// [`Error::Data`] if a manifest cannot be read, or if a root is given without a manifest; [`Error::NoRecording`] if there
    /// is no recording.
    pub fn find(given: &[PathBuf], root: Option<&Path>) -> Result<Self> {
        let is_manifest = |path: &Path| is_table(path) && !path.is_dir();
        if root.is_some()
            && let Some(path) = given.first()
            && !given.iter().any(|path| is_manifest(path))
        {
            let path = path.clone();
            return Err(ser_data::Error::RootWithoutManifest { path }.into());
        }
        let (mut inputs, mut skipped, mut damaged) = (Vec::new(), Vec::new(), Vec::new());
        for path in given {
            if is_manifest(path) {
                let origin = Origin { path, root };
                let Scan { corpus, audit } = Corpus::load_with(origin, &LabelMap::new())?;
                skipped.extend(Skipped::of_audit(&audit));
                damaged.extend(audit.damaged);
                inputs.extend(corpus.clips().iter().map(|clip| Input {
                    path: clip.path.clone(),
                    name: clip.name.clone(),
                    clip: Some(clip.clone()),
                }));
            } else {
                let mut found = Vec::new();
                find_one(path, &mut found, &mut skipped);
                inputs.extend(found.into_iter().map(|Found { path, name }| Input {
                    path,
                    name,
                    clip: None,
                }));
            }
        }
        let mut seen = HashSet::new();
        inputs.retain(|input| seen.insert((identity(&input.path), input.excerpt())));
        if inputs.is_empty() {
            Err(Error::NoRecording { skipped })
        } else {
            Ok(Self {
                files: inputs,
                skipped,
                damaged,
                given: given.to_vec(),
            })
        }
    }
}

/// Extracts the features of the first view into `out`, or without `out` those of all views into a store.
///
/// The name of `out` decides the format: `.npy` for one recording and `.safetensors` for any number, each
/// `[coefficients, frames]`; `.csv` or `.parquet` for the functionals of any number of recordings, one row per recording.
/// Nothing is written if no file can be used.
///
/// # Errors
/// - [`Error::Extraction`] if there is no view, or if `out` has another extension or does not fit the features and recordings
/// - [`Error::Io`] if `out` cannot be written, or is one of the inputs
/// - [`Error::Features`] or [`Error::In`] if the view is not valid or the store cannot be used
pub fn extract(
    inputs: Inputs,
    views: &[View],
    store: Option<&Path>,
    out: Option<&Path>,
    on_event: OnEvent,
) -> Result<Extraction> {
    let Some((view, copies)) = views.split_first() else {
        return Err(wrong("the recipe asks for no features"));
    };
    let Inputs {
        files,
        mut skipped,
        damaged,
        given,
    } = inputs;
    for clip in &damaged {
        on_event(Event::Damaged(clip));
    }
    if let Some(out) = out {
        let given: Vec<&Path> = given.iter().map(PathBuf::as_path).collect();
        ser_files::may_write(out, &given)?;
    }
    let config = &view.config;
    let source = FeatureSource::open(view, store)?;
    let (stage, steps) = (Stage::Features, files.len() * views.len());
    on_event(Event::Started { stage, steps });
    let done = match out {
        None => {
            let done = for_each(&source, &files, on_event, &mut skipped, |_, _| Ok(()))?;
            for copy in copies {
                let source = FeatureSource::open(copy, store)?;
                let mut failed = Vec::new();
                for_each(&source, &files, on_event, &mut failed, |_, _| Ok(()))?;
                // Most of these files failed above as well, and are listed already.
                Skipped::add(&mut skipped, failed);
            }
            done
        }
        Some(out) if has_extension(out, "npy") => {
            if files.len() != 1 {
                return Err(wrong(format_args!(
                    "{}: .npy holds the features of one file, but there are {}: write .safetensors",
                    out.display(),
                    files.len()
                )));
            }
            for_each(&source, &files, on_event, &mut skipped, |_, features| {
                Ok(write_npy(out, features)?)
            })?
        }
        Some(out) if has_extension(out, "safetensors") => {
            write_safetensors(out, config, &source, &files, on_event, &mut skipped)?
        }
        Some(out) if let Some(form) = Form::of(out) => {
            let about = About::new(&files, config, out)?;
            let each = |use_it: &mut dyn FnMut(&Input, &Features) -> Result<()>| {
                for_each(&source, &files, on_event, &mut skipped, use_it)
            };
            about.write(out, form, each)?
        }
        Some(out) => {
            return Err(wrong(format_args!(
                "{}: the name must end in .npy, .safetensors, .csv or .parquet",
                out.display()
            )));
        }
    };
    on_event(Event::Finished { stage });
    tell(&skipped, on_event);
    Ok(Extraction {
        files: done,
        coefficients: config.coefficients(),
        skipped,
    })
}

pub(crate) fn wrong(what: impl Display) -> Error {
    Error::Extraction(what.to_string())
}

/// Extracts the features chunk by chunk, calls `use_it` in order for every file whose features could be extracted, and
/// returns the number of these files.
fn for_each(
    source: &FeatureSource,
    inputs: &[Input],
    on_event: OnEvent,
    skipped: &mut Vec<Skipped>,
    mut use_it: impl FnMut(&Input, &Features) -> Result<()>,
) -> Result<usize> {
    let stage = Stage::Features;
    let done_one = || on_event(Event::Advanced { stage, steps: 1 });
    let mut done = 0;
    let mut rest = inputs;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(files_in_chunk(rest));
        rest = after;
        let recordings: Vec<_> = chunk.iter().map(Input::recording).collect();
        for (input, found) in chunk.iter().zip(source.extract(&recordings, &done_one)?) {
            match found {
                Ok(features) => {
                    use_it(input, &features)?;
                    done += 1;
                }
                Err(reason) => skipped.push(Skipped::new(&input.path, &reason)),
            }
        }
    }
    Ok(done)
}

/// Returns how many of the first files together reach [`CHUNK_BYTES`].
fn files_in_chunk(inputs: &[Input]) -> usize {
    let mut bytes = 0;
    let full = inputs.iter().position(|input| {
        bytes += input.bytes();
        bytes >= CHUNK_BYTES
    });
    full.map_or(inputs.len(), |last| last + 1)
}

/// Writes one tensor `[coefficients, frames]` per file in the safetensors format: length of the header, header, data.
///
/// The safetensors crate needs all tensors in memory at once. This function writes the data to a temporary file as they
/// come, and puts the header, which must be first, before them at the end.
fn write_safetensors(
    out: &Path,
    config: &FeatureConfig,
    source: &FeatureSource,
    inputs: &[Input],
    on_event: OnEvent,
    skipped: &mut Vec<Skipped>,
) -> Result<usize> {
    #[derive(Serialize)]
    struct Entry {
        dtype: &'static str,
        shape: [usize; 2],
        data_offsets: [u64; 2],
    }
    let folder = out
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut names = BTreeSet::new();
    if let Some(twice) = inputs.iter().find(|input| !names.insert(&input.name)) {
        return Err(wrong(format_args!(
            "two inputs are named {}: extract each into a file of its own",
            twice.name
        )));
    }
    let on_disk = ser_files::Error::at(out);
    let mut data = tempfile::tempfile_in(folder).map_err(&on_disk)?;
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut end = 0;
    {
        let mut data = BufWriter::new(&mut data);
        for_each(source, inputs, on_event, skipped, |input, features| {
            let (frames, coefficients) = (features.frames(), features.coefficients());
            for c in 0..coefficients {
                for row in features.as_slice().chunks_exact(coefficients) {
                    data.write_all(&row[c].to_le_bytes()).map_err(&on_disk)?;
                }
            }
            let start = end;
            end += 4 * (frames * coefficients) as u64;
            let entry = Entry {
                dtype: "F32",
                shape: [coefficients, frames],
                data_offsets: [start, end],
            };
            entries.insert(input.name.clone(), entry);
            Ok(())
        })?;
        data.flush().map_err(&on_disk)?;
    }
    let done = entries.len();
    if done == 0 {
        return Ok(0); // Without features, an existing file is kept.
    }
    let mut header = serde_json::Map::new();
    let config = toml::to_string(config).map_err(wrong)?;
    let about = serde_json::json!({ "ser.features": config });
    header.insert("__metadata__".to_owned(), about);
    for (name, entry) in entries {
        header.insert(name, serde_json::to_value(entry).map_err(wrong)?);
    }
    let mut header = serde_json::to_vec(&header).map_err(wrong)?;
    header.resize(header.len().next_multiple_of(8), b' '); // aligns the data

    ser_files::write(out, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        data.seek(SeekFrom::Start(0))?;
        std::io::copy(&mut data, file)?;
        Ok(())
    })?;
    Ok(done)
}
