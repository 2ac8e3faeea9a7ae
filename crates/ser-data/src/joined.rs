//! Joins several corpora into one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::corpora::voices;
use crate::manifest::{other_spelling, overlap, spelling};
use crate::{Audit, Clip, Corpus, Error, LabelMap, Origin, Renamed, Result, Scan};

/// The attribute of a clip, and the column of a manifest, that names the corpus of the clip.
pub const CORPUS: &str = "corpus";

impl Clip {
    /// Returns the corpus that the clip comes from, if it is known: the value of the attribute [`CORPUS`].
    pub fn corpus(&self) -> Option<&str> {
        self.attributes.get(CORPUS).map(String::as_str)
    }

    /// Names the corpus, also in front of the speaker: two corpora may use the same name for a speaker.
    pub(crate) fn set_corpus(&mut self, corpus: &str) {
        let voices = format!("{}/", voices(corpus));
        // A manifest that was written from several corpora has such speakers already.
        if !self.speaker.starts_with(&voices) {
            self.speaker.insert_str(0, &voices);
        }
        self.attributes.insert(CORPUS.to_owned(), corpus.to_owned());
    }
}

impl Corpus {
    /// Loads one corpus as [`Corpus::load_with`] does, or several as one. With several, each clip has its corpus as an attribute
    /// ([`Clip::corpus`]), and its speaker becomes `corpus/speaker`, as in a manifest of several corpora. The actors of RAVDESS are the same in speech and song: `ravdess/speaker`. A corpus is named by
    /// [`KnownCorpus::name`](crate::corpora::KnownCorpus::name), or else by its folder or manifest; the column `corpus` of a
    /// manifest takes precedence.
    ///
    /// # Errors
    /// The errors of [`Corpus::load_with`]; [`Error::SameCorpus`] if a corpus is given twice; [`Error::SharedSound`] if two corpora
    /// contain the same part of a file; [`Error::Spellings`] if they spell a label in two ways.
    pub fn load_all(origins: &[Origin<'_>], labels: &LabelMap) -> Result<Scan> {
        if let [origin] = origins {
            return Self::load_with(*origin, labels);
        }
        let (mut names, mut corpora) = (BTreeSet::new(), BTreeSet::new());
        let (mut clips, mut synthetic) = (Vec::new(), false);
        let (mut renamed, mut skipped) = (BTreeMap::new(), Vec::new());
        for origin in origins {
            let Scan { corpus, audit } = Self::load_with(*origin, labels)?;
            let name = audit
                .known
                .map_or(corpus.name(), |known| known.name)
                .to_owned();
            names.insert(name.clone());
            synthetic |= corpus.is_synthetic();
            let own = corpus.clips().iter();
            let own: BTreeSet<&str> = own.map(|clip| clip.corpus().unwrap_or(&name)).collect();
            // A corpus in two spellings would be two corpora, one of which is tested by the other.
            for own in own {
                if !corpora.insert(spelling(own)) {
                    return Err(Error::SameCorpus {
                        path: origin.path.to_owned(),
                        name: own.to_owned(),
                    });
                }
            }
            for mut clip in corpus.clips().iter().cloned() {
                let name = clip.corpus().unwrap_or(&name).to_owned();
                clip.set_corpus(&name);
                clips.push(clip);
            }
            for Renamed { from, to, clips } in audit.renamed {
                *renamed.entry((from, to)).or_insert(0) += clips;
            }
            skipped.extend(audit.damaged);
            skipped.extend(audit.skipped);
        }
        refuse_shared(&clips)?;
        refuse_spellings(&clips)?;
        let name = Vec::from_iter(names).join("+");
        let corpus = Self::new(name, synthetic, clips);
        let renamed = renamed.into_iter();
        let renamed = renamed.map(|((from, to), clips)| Renamed { from, to, clips });
        let audit = Audit::new(&corpus, renamed.collect(), skipped);
        Ok(Scan { corpus, audit })
    }
}

/// Refuses a part of a file that two corpora contain: it would be learned from one and tested in the other.
fn refuse_shared(clips: &[Clip]) -> Result<()> {
    let canonical = |clip: &Clip| {
        clip.path
            .canonicalize()
            .unwrap_or_else(|_| clip.path.clone())
    };
    let files: Vec<PathBuf> = clips.iter().map(canonical).collect();
    let parts = files.iter().zip(clips);
    let parts = parts.map(|(file, clip)| (file.as_path(), clip.excerpt, clip));
    match overlap(parts.collect()) {
        None => Ok(()),
        Some((one, other)) => Err(Error::SharedSound {
            path: one.path.clone(),
            corpora: [one, other].map(|clip| clip.corpus().unwrap_or_default().to_owned()),
        }),
    }
}

/// Refuses two spellings of a label, which would become two labels.
fn refuse_spellings(clips: &[Clip]) -> Result<()> {
    match other_spelling(clips.iter().map(|clip| (&*clip.emotion, clip))) {
        None => Ok(()),
        Some((one, other)) => Err(Error::Spellings {
            known: one.emotion.clone(),
            found: other.emotion.clone(),
            path: other.path.clone(),
        }),
    }
}
