//! Several corpora as one.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Audit, Clip, Corpus, Error, LabelMap, Origin, Renamed, Result, Scan};

/// The attribute of a clip that tells its corpus, a column of manifests.
pub const CORPUS: &str = "corpus";

impl Clip {
    /// The corpus that it comes from, where there are several: what a manifest has in its column `corpus`.
    pub fn corpus(&self) -> Option<&str> {
        self.attributes.get(CORPUS).map(String::as_str)
    }
}

impl Corpus {
    /// As [`Corpus::load_with`], of one corpus or of several, which become one: each clip then tells its corpus
    /// ([`Clip::corpus`]), and its speaker is `corpus/speaker`, as speakers of two corpora may be called the same. A corpus is
    /// called as [`KnownCorpus::name`](crate::corpora::KnownCorpus::name) says, any other as its folder or manifest.
    ///
    /// # Errors
    /// Those of [`Corpus::load_with`], [`Error::SameCorpus`].
    pub fn load_all(origins: &[Origin<'_>], labels: &LabelMap) -> Result<Scan> {
        if let [origin] = origins {
            return Self::load_with(*origin, labels);
        }
        let mut names = BTreeSet::new();
        let (mut clips, mut synthetic) = (Vec::new(), false);
        let (mut renamed, mut skipped) = (BTreeMap::new(), Vec::new());
        for origin in origins {
            let Scan { corpus, audit } = Self::load_with(*origin, labels)?;
            let name = audit
                .known
                .map_or(corpus.name(), |known| known.name)
                .to_owned();
            if !names.insert(name.clone()) {
                let path = origin.path.to_owned();
                return Err(Error::SameCorpus { path, name });
            }
            synthetic |= corpus.is_synthetic();
            for mut clip in corpus.clips().iter().cloned() {
                let name = clip.corpus().unwrap_or(&name).to_owned();
                clip.speaker = format!("{name}/{}", clip.speaker);
                clip.attributes.insert(CORPUS.to_owned(), name);
                clips.push(clip);
            }
            for Renamed { from, to, clips } in audit.renamed {
                *renamed.entry((from, to)).or_insert(0) += clips;
            }
            skipped.extend(audit.damaged);
            skipped.extend(audit.skipped);
        }
        let name = Vec::from_iter(names).join("+");
        let corpus = Self::new(name, synthetic, clips);
        let renamed = renamed.into_iter();
        let renamed = renamed.map(|((from, to), clips)| Renamed { from, to, clips });
        let audit = Audit::new(&corpus, renamed.collect(), skipped);
        Ok(Scan { corpus, audit })
    }
}
