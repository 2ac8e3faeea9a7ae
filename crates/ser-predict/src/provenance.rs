//! What a model has learned from.

use serde::{Deserialize, Serialize};

/// What a model was made from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the split, such as `fold-1`.
    pub split: String,
    /// Checksum of the corpus.
    pub corpus: String,
    /// Whether the corpus is synthetic.
    pub synthetic: bool,
    /// Whether the protocol keeps each speaker on one side of a split.
    pub speaker_disjoint: bool,
    /// Speakers of the training and validation parts.
    pub speakers: Vec<String>,
    /// Content hashes of the training and validation clips.
    pub content: Vec<String>,
    /// On what clips its temperatures and confidence thresholds were measured, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated_on: Option<String>,
}

impl Provenance {
    /// What two models were made from where it is not the same, in words: of this one and of the other.
    pub(crate) fn difference(&self, other: &Self) -> Option<[String; 2]> {
        let both = |words: fn(&Self) -> String| [words(self), words(other)];
        let told = [
            both(|p| format!("the split {}", p.split)),
            both(|p| format!("the corpus of checksum {}", p.corpus)),
            both(|p| format!("{} clips", p.content.len())),
            both(|p| format!("the speakers {}", p.speakers.join(", "))),
            both(|p| format!("{p:?}")),
        ];
        told.into_iter().find(|[one, other]| one != other)
    }
}
