//! From data on disk to a corpus with features, for every command that needs both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use ser_conditions::Condition;
use ser_data::{Audit, Corpus, Scan, SkipKind};
use ser_features::{
    FeatureConfig, FeatureExtractor, FeatureStore, Features, Waveform, extract_files,
};
use ser_model::Recipe;
use serde::{Deserialize, Serialize};

use crate::output::progress;

/// A file that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// The reason in words.
    pub reason: String,
}

impl Skipped {
    /// A file and the words of an error, which may begin with the file's name.
    pub fn new(path: &Path, error: &str) -> Self {
        let named = format!("{}: ", path.display());
        Self {
            path: path.to_owned(),
            reason: error.strip_prefix(&named).unwrap_or(error).to_owned(),
        }
    }

    /// Names them on standard error.
    pub fn tell(all: &[Self]) {
        for Self { path, reason } in all {
            eprintln!("skipped: {}: {reason}", path.display());
        }
    }
}

/// Clips with their features, in the same order.
#[derive(Debug)]
pub struct Prepared {
    /// The clips that could be read, of the emotions asked for.
    pub corpus: Corpus,
    /// The views asked for.
    pub views: Vec<View>,
    /// For each clip its features in each view.
    pub features: Vec<Vec<Features>>,
    /// The files that could not be used.
    pub skipped: Vec<Skipped>,
}

/// One way of looking at every clip.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// How the sound becomes features.
    pub config: FeatureConfig,
    /// What happens to the sound before.
    pub condition: Condition,
    /// Which of several copies under the same condition: each has another room or noise.
    pub copy: u32,
}

impl View {
    /// The clips as they are.
    pub fn clean(config: FeatureConfig) -> Self {
        Self {
            config,
            condition: Condition::Clean,
            copy: 0,
        }
    }

    /// What a recipe trains on: the clips as they are, then their copies.
    pub fn of_training(recipe: &Recipe) -> Vec<Self> {
        let (features, varied) = (&recipe.features, &recipe.augmentation);
        let faster = varied.semitones.iter();
        let faster = faster.map(|&semitones| Self::clean(features.faster(semitones)));
        let conditions = varied.conditions.iter().enumerate();
        let elsewhere = conditions.map(|(i, &condition)| {
            let before = varied.conditions.iter().take(i);
            Self {
                config: features.clone(),
                condition,
                copy: before.filter(|other| **other == condition).count() as u32,
            }
        });
        std::iter::once(Self::clean(features.clone()))
            .chain(faster)
            .chain(elsewhere)
            .collect()
    }
}

/// Reads a corpus, keeps the given emotions (all, if none is given) and extracts features in each
/// view. Files that cannot be used are named on standard error and left out.
pub fn prepare(
    data: &Path,
    emotions: &[String],
    views: &[View],
    store: Option<&Path>,
) -> Result<Prepared> {
    let Scan { corpus, audit } = Corpus::load(data)?;
    let mut skipped = skips(&audit);
    let corpus = select(&corpus, emotions)?;
    let paths: Vec<&Path> = corpus
        .clips()
        .iter()
        .map(|clip| clip.path.as_path())
        .collect();
    let bar = progress(paths.len() * views.len(), "features");
    let mut features: Vec<Vec<Features>> = vec![Vec::new(); paths.len()];
    let mut failures = BTreeMap::new();
    for view in views {
        let (found, failed) = match view.condition {
            Condition::Clean => FeatureSource::open(&view.config, store)?.extract(&paths, &bar)?,
            _ => extract_under(view, &paths, &bar)?,
        };
        for (i, found) in found {
            features[i].push(found);
        }
        failures.extend(failed);
    }
    bar.finish_and_clear();
    skipped.extend(
        failures
            .iter()
            .map(|(&i, reason)| Skipped::new(paths[i], reason)),
    );
    let corpus = if failures.is_empty() {
        corpus
    } else {
        let whole = |features: &Vec<Features>| features.len() == views.len();
        let readable = corpus.clips().iter().zip(&features);
        let readable = readable.filter(|(_, features)| whole(features));
        let readable = readable.map(|(clip, _)| clip.clone()).collect();
        let kept = Corpus::new(corpus.name(), corpus.is_synthetic(), readable);
        features.retain(whole);
        select(&kept, emotions)?
    };
    Skipped::tell(&skipped);
    if corpus.is_empty() {
        bail!("{}: no clip is left to work with", data.display());
    }
    Ok(Prepared {
        corpus,
        views: views.to_vec(),
        features,
        skipped,
    })
}

/// Features and failures by the position of their file.
type Extracted = (BTreeMap<usize, Features>, BTreeMap<usize, String>);

/// Features of many files as a condition leaves their sound. A store has no place for them: the
/// sound is made anew each time.
fn extract_under(view: &View, paths: &[&Path], bar: &ProgressBar) -> Result<Extracted> {
    let extractors = [FeatureExtractor::new(&view.config)?];
    let heard: Vec<Result<Vec<Features>>> = (0..paths.len())
        .into_par_iter()
        .map(|i| {
            bar.inc(1);
            hear(paths[i], seed(i, view.copy), view.condition, &extractors)
        })
        .collect();
    let mut extracted = Extracted::default();
    for (i, heard) in heard.into_iter().enumerate() {
        match heard {
            Ok(features) => extracted.0.extend(features.into_iter().map(|f| (i, f))),
            Err(error) => drop(extracted.1.insert(i, format!("{error:#}"))),
        }
    }
    Ok(extracted)
}

/// A condition's seed for a clip: its place in its corpus, and which of its copies.
pub fn seed(place: usize, copy: u32) -> u64 {
    place as u64 + (u64::from(copy) << 32)
}

/// Features of a file's sound as a condition leaves it, one for each extractor.
pub fn hear(
    path: &Path,
    seed: u64,
    condition: Condition,
    extractors: &[FeatureExtractor],
) -> Result<Vec<Features>> {
    let waveform = condition
        .apply(&Waveform::read(path)?, seed)
        .with_context(|| path.display().to_string())?;
    let features = extractors.iter().map(|e| e.extract(&waveform));
    features
        .collect::<ser_features::Result<_>>()
        .with_context(|| path.display().to_string())
}

/// Where features come from: the extractor, with or without a store of what it made before.
#[derive(Debug)]
pub struct FeatureSource {
    extractor: FeatureExtractor,
    store: Option<FeatureStore>,
}

impl FeatureSource {
    /// Plans the extraction and opens the store.
    pub fn open(config: &FeatureConfig, store: Option<&Path>) -> Result<Self> {
        let extractor = FeatureExtractor::new(config)?;
        let store = store
            .map(|dir| {
                FeatureStore::open(dir, &extractor)
                    .with_context(|| format!("feature store {}", dir.display()))
            })
            .transpose()?;
        Ok(Self { extractor, store })
    }

    /// Features of many files, by position, and for the others why they failed.
    pub fn extract(&mut self, paths: &[&Path], bar: &ProgressBar) -> Result<Extracted> {
        let results = Mutex::new((BTreeMap::new(), BTreeMap::new()));
        let done = |i: usize, result: ser_features::Result<Features>| {
            bar.inc(1);
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            match result {
                Ok(features) => drop(results.0.insert(i, features)),
                Err(error) => drop(results.1.insert(i, error.to_string())),
            }
        };
        match &mut self.store {
            None => extract_files(&self.extractor, paths, done),
            Some(store) => drop(store.extract(paths, done)?),
        }
        Ok(results.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What indexing left out; a second copy of a clip is no loss.
pub fn skips(audit: &Audit) -> Vec<Skipped> {
    let lost = audit
        .skipped
        .iter()
        .filter(|skip| skip.kind != SkipKind::Copy);
    lost.map(|skip| Skipped::new(&skip.path, &skip.reason))
        .collect()
}

fn select(corpus: &Corpus, emotions: &[String]) -> Result<Corpus> {
    if emotions.is_empty() {
        return Ok(corpus.clone());
    }
    let emotions: Vec<&str> = emotions.iter().map(String::as_str).collect();
    Ok(corpus.select(&emotions)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_named_twice_makes_two_copies_with_seeds_of_their_own() {
        let mut recipe = Recipe::load("robust-cnn").unwrap();
        let telephone = recipe.augmentation.conditions[0];
        recipe.augmentation.conditions.push(telephone);
        let views = View::of_training(&recipe);
        let copies: Vec<u32> = views
            .iter()
            .filter(|view| view.condition == telephone)
            .map(|view| view.copy)
            .collect();
        assert_eq!(copies, [0, 1]);
        assert_eq!(seed(7, 0), 7);
        assert_ne!(seed(7, 1), seed(7, 0));
    }
}
