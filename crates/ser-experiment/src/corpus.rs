//! From data on disk to clips with features.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ser_data::{Audit, Clip, Corpus, LabelMap, Origin, Recording, Scan, SkipKind};
use ser_features::Features;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::event::{Event, OnEvent, Stage};
use crate::view::{FeatureSource, View};

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
    #[must_use]
    pub fn new(path: &Path, error: &str) -> Self {
        Self {
            path: path.to_owned(),
            reason: ser_files::without_path(error, path).to_owned(),
        }
    }

    /// Adds what is not there yet.
    pub(crate) fn add(all: &mut Vec<Self>, more: impl IntoIterator<Item = Self>) {
        for skipped in more {
            if !all.contains(&skipped) {
                all.push(skipped);
            }
        }
    }

    /// What indexing left out; a second copy of a clip is no loss.
    #[must_use]
    pub fn of_audit(audit: &Audit) -> Vec<Self> {
        let lost = audit
            .skipped
            .iter()
            .filter(|skip| skip.kind != SkipKind::Copy);
        lost.map(|skip| Self {
            path: skip.path.clone(),
            reason: skip.reason.clone(),
        })
        .collect()
    }
}

/// What errors call the clips of folders and manifests.
pub(crate) fn named(data: &[Origin<'_>]) -> String {
    let paths = data.iter().map(|origin| origin.path.display().to_string());
    paths.collect::<Vec<_>>().join(", ")
}

/// Tells of files that are left out.
pub(crate) fn tell(skipped: &[Skipped], on_event: OnEvent) {
    for skipped in skipped {
        on_event(Event::Skipped(skipped));
    }
}

/// Clips with their features, in the same order.
#[derive(Debug, Clone)]
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

impl Prepared {
    /// Reads a corpus, of a folder or a manifest or of several, renames its labels, and keeps the given emotions: all, if none is
    /// given. No features yet. Files that cannot be used are left out.
    ///
    /// # Errors
    /// [`Error::NoClips`], [`Error::Data`].
    pub fn read(
        data: &[Origin<'_>],
        labels: &LabelMap,
        emotions: &[String],
        on_event: OnEvent,
    ) -> Result<Self> {
        let Scan { corpus, audit } = Corpus::load_all(data, labels)?;
        if !audit.renamed.is_empty() {
            on_event(Event::Renamed(&audit.renamed));
        }
        for damaged in &audit.damaged {
            on_event(Event::Damaged(damaged));
        }
        let skipped = Skipped::of_audit(&audit);
        tell(&skipped, on_event);
        let corpus = select(&corpus, emotions)?;
        if corpus.is_empty() {
            return Err(Error::NoClips { data: named(data) });
        }
        Ok(Self {
            features: vec![Vec::new(); corpus.len()],
            corpus,
            views: Vec::new(),
            skipped,
        })
    }

    /// Without the clips whose sentence is said in one emotion alone; before there are features. Of the emotions given, each
    /// must keep a clip.
    ///
    /// # Errors
    /// [`Error::Data`] for an emotion that keeps none.
    #[cfg(feature = "train")]
    pub(crate) fn with_shared_sentences(
        self,
        emotions: &[String],
        on_event: OnEvent,
    ) -> Result<Self> {
        let corpus = self.corpus.with_shared_sentences();
        let clips = self.corpus.len() - corpus.len();
        if clips > 0 {
            on_event(Event::SentenceBound { clips });
        }
        if corpus.is_empty() {
            return Err(Error::NoClips {
                data: corpus.name().to_owned(),
            });
        }
        Ok(Self {
            features: vec![Vec::new(); corpus.len()],
            corpus: select(&corpus, emotions)?,
            ..self
        })
    }

    /// The clips at whose places `keep` is true, with their features.
    fn filter(self, keep: impl Fn(usize) -> bool) -> Self {
        let corpus = self.corpus.filter(&keep);
        let features = self.features.into_iter().enumerate();
        let features = features.filter(|&(i, _)| keep(i));
        Self {
            corpus,
            features: features.map(|(_, features)| features).collect(),
            ..self
        }
    }

    /// The clips that others have as well, by their names.
    #[cfg(feature = "train")]
    pub(crate) fn common_with(self, others: &[Corpus]) -> Self {
        let names = others.iter().map(|corpus| -> BTreeSet<String> {
            corpus
                .clips()
                .iter()
                .map(|clip| clip.name.clone())
                .collect()
        });
        let names: Vec<BTreeSet<String>> = names.collect();
        let clips = self.corpus.clips().iter();
        let common: Vec<bool> = clips
            .map(|clip| names.iter().all(|names| names.contains(&clip.name)))
            .collect();
        self.filter(|i| common[i])
    }

    /// The same clips with features in each view. Files that have none are left out; of the emotions given,
    /// each must keep a clip.
    ///
    /// # Errors
    /// [`Error::NoClips`], [`Error::Features`] for a view that cannot be planned or a store that cannot be
    /// used.
    pub fn extract(
        self,
        emotions: &[String],
        views: &[View],
        store: Option<&Path>,
        on_event: OnEvent,
    ) -> Result<Self> {
        let clips = self.corpus.clips();
        let recordings: Vec<Recording<'_>> = clips.iter().map(Clip::recording).collect();
        let (stage, steps) = (Stage::Features, recordings.len() * views.len());
        on_event(Event::Started { stage, steps });
        let mut features: Vec<Vec<Features>> = vec![Vec::new(); recordings.len()];
        let mut failures = BTreeMap::new();
        for view in views {
            let done = || on_event(Event::Advanced { stage, steps: 1 });
            let (found, failed) = FeatureSource::open(view, store)?.extract(&recordings, &done)?;
            for (i, found) in found {
                features[i].push(found);
            }
            failures.extend(failed);
        }
        on_event(Event::Finished { stage });
        let views = views.to_vec();
        if failures.is_empty() {
            return Ok(Self {
                views,
                features,
                ..self
            });
        }
        let failures = failures.iter();
        let failed = failures.map(|(&i, reason)| Skipped::new(recordings[i].path, reason));
        let failed: Vec<Skipped> = failed.collect();
        tell(&failed, on_event);
        let whole: Vec<bool> = features.iter().map(|f| f.len() == views.len()).collect();
        let skipped = [self.skipped.clone(), failed].concat();
        let found = Self {
            features,
            views,
            skipped,
            ..self
        };
        let kept = found.filter(|i| whole[i]);
        if kept.corpus.is_empty() {
            return Err(Error::NoClips {
                data: kept.corpus.name().to_owned(),
            });
        }
        Ok(Self {
            corpus: select(&kept.corpus, emotions)?,
            ..kept
        })
    }
}

fn select(corpus: &Corpus, emotions: &[String]) -> Result<Corpus> {
    if emotions.is_empty() {
        return Ok(corpus.clone());
    }
    let emotions: Vec<&str> = emotions.iter().map(String::as_str).collect();
    Ok(corpus.select(&emotions)?)
}
