//! Reads clips from disk and extracts their features.

use std::collections::BTreeMap;
#[cfg(feature = "train")]
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ser_data::ravdess::EMOTIONS;
use ser_data::{Audit, Corpus, LabelMap, Origin, Recording, Scan, SkipKind};
use ser_recipe::Task;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::event::{Event, OnEvent, Stage};
use crate::pieces::{ClipFeatures, Piece, find_pieces, with_features};
use crate::view::{FeatureSource, InViews, View, add_view};

/// A file that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The file.
    #[serde(serialize_with = "ser_data::path_as_text")]
    pub path: PathBuf,
    /// Why it was left out.
    pub reason: String,
}

impl Skipped {
    /// Makes the entry of a file from the text of an error. If the text begins with the path of the file, the path is cut off.
    #[must_use]
    pub fn new(path: &Path, error: &str) -> Self {
        Self {
            path: path.to_owned(),
            reason: ser_files::without_path(error, path).to_owned(),
        }
    }

    /// Adds the entries of `more` that are not in `all` yet.
    pub(crate) fn add(all: &mut Vec<Self>, more: impl IntoIterator<Item = Self>) {
        for skipped in more {
            if !all.contains(&skipped) {
                all.push(skipped);
            }
        }
    }

    /// Returns the files that indexing left out, except second copies of a clip.
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

/// Returns the paths of folders and manifests, as errors name them.
pub(crate) fn named(data: &[Origin<'_>]) -> String {
    let paths = data.iter().map(|origin| origin.path.display().to_string());
    paths.collect::<Vec<_>>().join(", ")
}

/// Reports the files that are left out as events.
pub(crate) fn tell(skipped: &[Skipped], on_event: OnEvent) {
    for skipped in skipped {
        on_event(Event::Skipped(skipped));
    }
}

/// Clips with their features, in the same order.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The clips that could be read and have one of the requested emotions.
    pub corpus: Corpus,
    /// The pieces of speech by which each clip is learned and answered; none for a clip that is taken as a whole, as
    /// [`Prepared::read`] takes all.
    pub pieces: Vec<Vec<Piece>>,
    /// The requested views.
    pub views: Vec<View>,
    /// The features of the pieces of each clip in each view.
    pub features: Vec<ClipFeatures>,
    /// The files that could not be used.
    pub skipped: Vec<Skipped>,
}

impl Prepared {
    /// Reads the clips of one or several folders or manifests, without features and pieces.
    ///
    /// Renames the labels, and keeps the clips of the given emotions, or all clips if no emotion is given. Files that cannot
    /// be used are left out, and so are emotions of RAVDESS that no clip has: the built-in recipes name all eight, and few other
    /// corpora have *calm*.
    ///
    /// # Errors
    /// [`Error::NoClips`] if no clip is left; [`Error::Data`] if a folder or manifest cannot be read; [`Error::NoClipOfEmotion`]
    /// if no clip has another of the emotions, or fewer than two are left.
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
        let corpus = select(&corpus, &spoken(&corpus, emotions, on_event))?;
        if corpus.is_empty() {
            return Err(Error::NoClips { data: named(data) });
        }
        Ok(Self {
            features: vec![Vec::new(); corpus.len()],
            pieces: vec![Vec::new(); corpus.len()],
            corpus,
            views: Vec::new(),
            skipped,
        })
    }

    /// Reads the clips of a task, with their pieces and without features: those of [`Prepared::read`], without those that the
    /// task leaves out.
    pub(crate) fn of_task(data: &[Origin<'_>], task: &Task, on_event: OnEvent) -> Result<Self> {
        let mut clips = Self::read(data, &task.labels, &task.emotions, on_event)?;
        if task.shared_sentences {
            clips = clips.with_shared_sentences(&task.emotions, on_event)?;
        }
        let emotions = clips.chosen(&task.emotions);
        let (pieces, failed) = find_pieces(&clips.corpus, on_event);
        clips.pieces = pieces;
        clips.without(&failed, &emotions, on_event)
    }

    /// Leaves out the clips whose sentence is said in one emotion only.
    fn with_shared_sentences(self, emotions: &[String], on_event: OnEvent) -> Result<Self> {
        let emotions = self.chosen(emotions);
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
            pieces: vec![Vec::new(); corpus.len()],
            corpus: select(&corpus, &emotions)?,
            ..self
        })
    }

    /// Returns the emotions that were chosen among those of the clips: none if every label is taken.
    fn chosen(&self, emotions: &[String]) -> Vec<String> {
        if emotions.is_empty() {
            Vec::new()
        } else {
            self.corpus.labels().to_vec()
        }
    }

    /// Leaves out the clips with these indices, and reports them with the reasons. Each of the given emotions must have a clip left.
    fn without(
        self,
        failed: &BTreeMap<usize, String>,
        emotions: &[String],
        on_event: OnEvent,
    ) -> Result<Self> {
        if failed.is_empty() {
            return Ok(self);
        }
        let clips = self.corpus.clips();
        let skipped = failed.iter();
        let skipped = skipped.map(|(&i, reason)| Skipped::new(&clips[i].path, reason));
        let skipped: Vec<Skipped> = skipped.collect();
        tell(&skipped, on_event);
        let keep = |i: usize| !failed.contains_key(&i);
        let corpus = self.corpus.filter(keep);
        if corpus.is_empty() {
            return Err(Error::NoClips {
                data: corpus.name().to_owned(),
            });
        }
        Ok(Self {
            corpus: select(&corpus, emotions)?,
            pieces: filter(self.pieces, keep),
            features: filter(self.features, keep),
            skipped: [self.skipped, skipped].concat(),
            ..self
        })
    }

    /// Returns the number of clips that are learned and answered by pieces.
    #[cfg(feature = "train")]
    pub(crate) fn divided(&self) -> usize {
        crate::pieces::divided(&self.pieces)
    }

    /// Returns the recordings of the pieces of a clip, each with its length in seconds.
    pub(crate) fn recordings(&self, clip: usize) -> Vec<(Recording<'_>, f64)> {
        let pieces = &self.pieces[clip];
        let clip = &self.corpus.clips()[clip];
        if pieces.is_empty() {
            return vec![(clip.recording(), clip.seconds())];
        }
        let of_piece = |piece: &Piece| {
            let excerpt = Some(piece.excerpt);
            let path = &clip.path;
            (Recording { path, excerpt }, piece.seconds)
        };
        pieces.iter().map(of_piece).collect()
    }

    /// Leaves out the clips that [`Prepared::extract`] leaves out in these views. Keeps no features, and all pieces of the others.
    #[cfg(feature = "train")]
    pub(crate) fn with_features_in(
        self,
        emotions: &[String],
        views: &[View],
        store: Option<&Path>,
        on_event: OnEvent,
    ) -> Result<Self> {
        let found = self.clone().extract(emotions, views, store, on_event)?;
        let (corpus, skipped) = (found.corpus, found.skipped);
        let names: BTreeSet<&str> = corpus.clips().iter().map(|clip| &*clip.name).collect();
        let clips = self.corpus.clips();
        let pieces = filter(self.pieces, |i| names.contains(&*clips[i].name));
        Ok(Self {
            features: vec![Vec::new(); corpus.len()],
            pieces,
            corpus,
            skipped,
            ..self
        })
    }

    /// Extracts the features of the clips in each view. Pieces whose features cannot be extracted are left out, and so are
    /// files of which nothing remains.
    ///
    /// # Errors
    /// - [`Error::NoClips`] if no clip is left
    /// - [`Error::Data`] if one of the given emotions has no clip left
    /// - [`Error::Features`] or [`Error::In`] if a view is not valid or the store cannot be used
    pub fn extract(
        self,
        emotions: &[String],
        views: &[View],
        store: Option<&Path>,
        on_event: OnEvent,
    ) -> Result<Self> {
        let clips = 0..self.corpus.len();
        let of_clips: Vec<_> = clips.map(|i| self.recordings(i)).collect();
        let recordings = of_clips.iter().flatten();
        let recordings: Vec<_> = recordings.map(|(recording, _)| *recording).collect();
        let emotions = self.chosen(emotions);
        let mut found = in_all_views(&recordings, views, store, on_event)?.into_iter();
        let (mut pieces, mut features) = (self.pieces.clone(), Vec::new());
        let mut failed = BTreeMap::new();
        for (i, of_clip) in of_clips.iter().enumerate() {
            let found: Vec<_> = found.by_ref().take(of_clip.len()).collect();
            let mut is_kept = found.iter().map(Result::is_ok);
            pieces[i].retain(|_| is_kept.next().unwrap_or_default());
            features.push(with_features(of_clip, found).unwrap_or_else(|reason| {
                failed.insert(i, reason);
                ClipFeatures::new()
            }));
        }
        let found = Self {
            views: views.to_vec(),
            pieces,
            features,
            ..self
        };
        found.without(&failed, &emotions, on_event)
    }
}

/// Returns the features of each recording in all views, or the reason why they cannot be extracted.
fn in_all_views(
    recordings: &[Recording<'_>],
    views: &[View],
    store: Option<&Path>,
    on_event: OnEvent,
) -> Result<Vec<InViews>> {
    let (stage, steps) = (Stage::Features, recordings.len() * views.len());
    on_event(Event::Started { stage, steps });
    let mut features = vec![Ok(Vec::new()); recordings.len()];
    for view in views {
        let done = || on_event(Event::Advanced { stage, steps: 1 });
        let found = FeatureSource::open(view, store)?.extract(recordings, &done)?;
        add_view(&mut features, found, Vec::push);
    }
    on_event(Event::Finished { stage });
    Ok(features)
}

/// Keeps the elements for whose index `keep` returns true.
fn filter<T>(all: Vec<T>, keep: impl Fn(usize) -> bool) -> Vec<T> {
    let kept = all.into_iter().enumerate().filter(|&(i, _)| keep(i));
    kept.map(|(_, one)| one).collect()
}

/// Returns the emotions without those of RAVDESS that no clip has, if at least two are left.
fn spoken(corpus: &Corpus, emotions: &[String], on_event: OnEvent) -> Vec<String> {
    let is_there = |emotion: &&String| {
        corpus.labels().contains(emotion) || !EMOTIONS.contains(&emotion.as_str())
    };
    let (there, absent): (Vec<String>, Vec<String>) = emotions
        .iter()
        .cloned()
        .partition(|emotion| is_there(&emotion));
    if absent.is_empty() || there.len() < 2 {
        return emotions.to_vec();
    }
    on_event(Event::Absent(&absent));
    there
}

fn select(corpus: &Corpus, emotions: &[String]) -> Result<Corpus> {
    if emotions.is_empty() {
        return Ok(corpus.clone());
    }
    let emotions: Vec<&str> = emotions.iter().map(String::as_str).collect();
    corpus.select(&emotions).map_err(|error| match error {
        ser_data::Error::UnknownLabel { label, known } => Error::NoClipOfEmotion {
            emotion: label,
            known,
        },
        error => error.into(),
    })
}
