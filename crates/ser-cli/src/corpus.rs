//! From data on disk to a corpus with features, for every command that needs both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use ser_data::{Audit, Corpus, Scan, SkipKind};
use ser_features::{FeatureConfig, FeatureExtractor, FeatureStore, Features, extract_files};
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

/// Clips with their features, in the same order.
#[derive(Debug)]
pub struct Prepared {
    /// The clips that could be read, of the emotions asked for.
    pub corpus: Corpus,
    /// For each clip its features in each configuration asked for.
    pub features: Vec<Vec<Features>>,
    /// The files that could not be used.
    pub skipped: Vec<Skipped>,
}

/// The configurations that a recipe trains on: its own, then those of the copies.
pub fn views_of(recipe: &Recipe) -> Vec<FeatureConfig> {
    let copies = recipe.augmentation.semitones.iter();
    let copies = copies.map(|&semitones| FeatureConfig {
        semitones,
        ..recipe.features.clone()
    });
    std::iter::once(recipe.features.clone())
        .chain(copies)
        .collect()
}

/// Reads a corpus, keeps the given emotions (all, if none is given) and extracts features in each
/// configuration. Files that cannot be used are named on standard error and left out.
pub fn prepare(
    data: &Path,
    emotions: &[String],
    configs: &[FeatureConfig],
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
    let bar = progress(paths.len() * configs.len(), "features");
    let mut features: Vec<Vec<Features>> = vec![Vec::new(); paths.len()];
    let mut failures = BTreeMap::new();
    for config in configs {
        let (found, failed) = FeatureSource::open(config, store)?.extract(&paths, &bar)?;
        for (i, found) in found {
            features[i].push(found);
        }
        failures.extend(failed);
    }
    bar.finish_and_clear();
    skipped.extend(failures.iter().map(|(&i, reason)| Skipped {
        path: paths[i].to_owned(),
        reason: reason.clone(),
    }));
    let corpus = if failures.is_empty() {
        corpus
    } else {
        let whole = |features: &Vec<Features>| features.len() == configs.len();
        let readable = corpus.clips().iter().zip(&features);
        let readable = readable.filter(|(_, features)| whole(features));
        let readable = readable.map(|(clip, _)| clip.clone()).collect();
        let kept = Corpus::new(corpus.name(), corpus.is_synthetic(), readable);
        features.retain(whole);
        select(&kept, emotions)?
    };
    for Skipped { path, reason } in &skipped {
        eprintln!("skipped: {}: {reason}", path.display());
    }
    if corpus.is_empty() {
        bail!("{}: no clip is left to work with", data.display());
    }
    Ok(Prepared {
        corpus,
        features,
        skipped,
    })
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
    pub fn extract(
        &mut self,
        paths: &[&Path],
        bar: &ProgressBar,
    ) -> Result<(BTreeMap<usize, Features>, BTreeMap<usize, String>)> {
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
    lost.map(|skip| Skipped {
        path: skip.path.clone(),
        reason: skip.reason.clone(),
    })
    .collect()
}

fn select(corpus: &Corpus, emotions: &[String]) -> Result<Corpus> {
    if emotions.is_empty() {
        return Ok(corpus.clone());
    }
    let emotions: Vec<&str> = emotions.iter().map(String::as_str).collect();
    Ok(corpus.select(&emotions)?)
}
