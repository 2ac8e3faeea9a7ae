//! The origin of a model: the corpus, the split and the clips that it was trained on.

use serde::{Deserialize, Serialize};

/// The split, speakers and clips that a model was trained on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the split, such as `fold-1`.
    pub split: String,
    /// Checksum of the corpus.
    pub corpus: String,
    /// Whether the corpus is synthetic.
    pub synthetic: bool,
    /// Whether the protocol keeps each speaker on one side of the split.
    pub speaker_disjoint: bool,
    /// Speakers of the training and validation parts.
    pub speakers: Vec<String>,
    /// Content hashes of the training and validation clips.
    pub content: Vec<String>,
    /// A description, for people, of the clips on which temperatures and confidence thresholds were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated_on: Option<String>,
}

impl Provenance {
    /// Returns the first difference between the origins of two models, described for this one and for the other; `None`
    /// if they are equal.
    pub(crate) fn difference(&self, other: &Self) -> Option<[String; 2]> {
        let both = |words: fn(&Self) -> String| [words(self), words(other)];
        let told = [
            both(|p| format!("the split {}", p.split)),
            both(|p| format!("the corpus with checksum {}", p.corpus)),
            both(|p| format!("{} clips", p.content.len())),
            both(|p| format!("the speakers {}", p.speakers.join(", "))),
            both(|p| format!("{p:?}")),
        ];
        told.into_iter().find(|[one, other]| one != other)
    }
}
